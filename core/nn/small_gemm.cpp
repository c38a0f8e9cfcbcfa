#include "core/nn/small_gemm.h"

#include <algorithm>
#include <cstring>

#include "core/nn/cpu_math.h"

namespace hone::nn {
namespace {

typedef float Lanes __attribute__((vector_size(64), aligned(4), may_alias));

// One tile of Rows x (16 Vectors), all accumulators in registers.
template <int Rows, int Vectors>
inline __attribute__((always_inline)) void tile(const SmallGemm& g, std::int64_t row, std::int64_t column) {
  Lanes sum[Rows][Vectors];
  float* c = g.c + row * g.ldc + column;
#pragma GCC unroll 4
  for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v)
      sum[r][v] = g.accumulate ? *reinterpret_cast<const Lanes*>(c + r * g.ldc + 16 * v) : Lanes{};
  const float* a = g.a + row * g.a_row;
  const float* b = g.b + column;
  for (std::int64_t k = 0; k < g.k; ++k, a += g.a_col, b += g.ldb) {
#pragma GCC unroll 4
    for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 4
      for (int v = 0; v < Vectors; ++v)
        sum[r][v] += a[r * g.a_row] * *reinterpret_cast<const Lanes*>(b + 16 * v);
  }
#pragma GCC unroll 4
  for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) *reinterpret_cast<Lanes*>(c + r * g.ldc + 16 * v) = sum[r][v];
}

template <int Rows>
inline __attribute__((always_inline)) void row_of_tiles(const SmallGemm& g, std::int64_t row) {
  std::int64_t column = 0;
  for (; column + 64 <= g.n; column += 64) tile<Rows, 4>(g, row, column);
  if (column + 32 <= g.n) tile<Rows, 2>(g, row, column), column += 32;
  if (column + 16 <= g.n) tile<Rows, 1>(g, row, column);
}

}  // namespace

HONE_CLONES void small_gemm(const SmallGemm& g) {
  std::int64_t row = 0;
  for (; row + 4 <= g.m; row += 4) row_of_tiles<4>(g, row);
  for (; row < g.m; ++row) row_of_tiles<1>(g, row);
}

}  // namespace hone::nn
