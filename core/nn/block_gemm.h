#pragma once
// C (+)= A B for the fp32 blocks that attention on CPUs is made of.
#include <cstdint>

namespace hone::nn {

constexpr std::int64_t kBlock = 64;  // floats in a row of every block

// A is [M, K] or, `a_transposed`, its transpose [K, M]; B [K, N]; C [M, N]. M, N and K are multiples of 16
// and at most kBlock; a row is followed by the next kBlock floats on. B and C begin with a cache line. C does
// not overlap A or B.
struct BlockGemm {
  std::int64_t m, n, k;
  const float* a;
  bool a_transposed;
  const float* b;
  float* c;
  bool accumulate;
};
void block_gemm(const BlockGemm& g);

// to [columns, kBlock] from [rows, kBlock]
void transpose_block(const float* from, std::int64_t rows, std::int64_t columns, float* to);

}  // namespace hone::nn
