#pragma once
// C (+)= A B for the small fp32 matrices of attention, in registers of 16 floats.
#include <cstdint>

namespace hone::nn {

// A is [M, K] with element (i, k) at a[i * a_row + k * a_col]; B is [K, N], row-major with ldb; C [M, N] with ldc.
// N, ldb and ldc are multiples of 16. C does not overlap A or B.
struct SmallGemm {
  std::int64_t m, n, k;
  const float* a;
  std::int64_t a_row, a_col;
  const float* b;
  std::int64_t ldb;
  float* c;
  std::int64_t ldc;
  bool accumulate = false;
};
void small_gemm(const SmallGemm& g);

}  // namespace hone::nn
