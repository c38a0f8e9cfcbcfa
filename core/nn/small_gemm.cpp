#include "core/nn/small_gemm.h"

#include <algorithm>
#include <cstring>

#include "core/nn/cpu_math.h"

namespace hone::nn {
namespace {

typedef float Lanes __attribute__((vector_size(64), aligned(4), may_alias));

constexpr std::int64_t kDepth = 64;   // of a panel of B
constexpr std::int64_t kPanel = 64;   // columns; kDepth x kPanel floats stay in the first-level cache

// One tile of Rows x (16 Vectors), all accumulators in registers, over `depth` of the products.
template <int Rows, int Vectors>
inline __attribute__((always_inline)) void tile(const SmallGemm& g, const float* a, const float* b, float* c,
                                                std::int64_t depth, bool accumulate) {
  Lanes sum[Rows][Vectors];
#pragma GCC unroll 4
  for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v)
      sum[r][v] = accumulate ? *reinterpret_cast<const Lanes*>(c + r * g.ldc + 16 * v) : Lanes{};
  for (std::int64_t k = 0; k < depth; ++k, a += g.a_col, b += g.ldb) {
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

// All rows of C against one panel of B, which stays in cache.
template <int Vectors>
inline __attribute__((always_inline)) void panel(const SmallGemm& g, std::int64_t first, std::int64_t depth,
                                                 std::int64_t column) {
  const bool accumulate = g.accumulate || first > 0;
  const float* a = g.a + first * g.a_col;
  const float* b = g.b + first * g.ldb + column;
  std::int64_t row = 0;
  for (; row + 4 <= g.m; row += 4)
    tile<4, Vectors>(g, a + row * g.a_row, b, g.c + row * g.ldc + column, depth, accumulate);
  for (; row < g.m; ++row) tile<1, Vectors>(g, a + row * g.a_row, b, g.c + row * g.ldc + column, depth, accumulate);
}

}  // namespace

HONE_CLONES void small_gemm(const SmallGemm& g) {
  std::int64_t first = 0;
  do {
    const std::int64_t depth = std::min(kDepth, g.k - first);
    std::int64_t column = 0;
    for (; column + kPanel <= g.n; column += kPanel) panel<4>(g, first, depth, column);
    if (column + 32 <= g.n) panel<2>(g, first, depth, column), column += 32;
    if (column + 16 <= g.n) panel<1>(g, first, depth, column);
    first += kDepth;
  } while (first < g.k);
}

}  // namespace hone::nn
