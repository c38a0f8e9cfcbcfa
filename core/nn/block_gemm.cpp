#include "core/nn/block_gemm.h"

#include <numeric>

namespace hone::nn {
namespace {

typedef float Lanes __attribute__((vector_size(64), aligned(64), may_alias));

#define HONE_INLINE inline __attribute__((always_inline))

// One tile of Rows x (16 Vectors): every sum stays in a register. Strides are constants, so that an address
// costs no arithmetic.
template <int Rows, int Vectors, std::int64_t Row, std::int64_t Column>
HONE_INLINE void tile(const float* a, const float* b, float* c, std::int64_t depth, bool accumulate) {
  Lanes sum[Rows][Vectors];
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v)
      sum[r][v] = accumulate ? *reinterpret_cast<const Lanes*>(c + r * kBlock + 16 * v) : Lanes{};
  for (std::int64_t k = 0; k < depth; ++k, a += Column, b += kBlock) {
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 4
      for (int v = 0; v < Vectors; ++v) sum[r][v] += a[r * Row] * *reinterpret_cast<const Lanes*>(b + 16 * v);
  }
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) *reinterpret_cast<Lanes*>(c + r * kBlock + 16 * v) = sum[r][v];
}

// All rows of C in 16 * Vectors columns.
template <int Rows, int Vectors, std::int64_t Row, std::int64_t Column>
HONE_INLINE void columns(const BlockGemm& g, std::int64_t first) {
  const std::int64_t in_tiles = g.m / std::lcm(Rows, 4) * std::lcm(Rows, 4);  // what is left is fours of rows
  std::int64_t row = 0;
  for (; row < in_tiles; row += Rows)
    tile<Rows, Vectors, Row, Column>(g.a + row * Row, g.b + first, g.c + row * kBlock + first, g.k,
                                     g.accumulate);
  for (; row < g.m; row += 4)
    tile<4, Vectors, Row, Column>(g.a + row * Row, g.b + first, g.c + row * kBlock + first, g.k,
                                  g.accumulate);
}

// With 32 registers of 16 floats: up to 24 sums under way.
template <std::int64_t Row, std::int64_t Column>
HONE_INLINE void in_wide_registers(const BlockGemm& g) {
  switch (g.n / 16) {
    case 4:
      return columns<6, 4, Row, Column>(g, 0);
    case 3:
      return columns<8, 3, Row, Column>(g, 0);
    case 2:
      return columns<12, 2, Row, Column>(g, 0);
    default:
      return columns<16, 1, Row, Column>(g, 0);
  }
}

// With 16 registers of 8 floats or fewer: 12 sums under way.
template <std::int64_t Row, std::int64_t Column>
HONE_INLINE void in_narrow_registers(const BlockGemm& g) {
  for (std::int64_t first = 0; first < g.n; first += 16) columns<6, 1, Row, Column>(g, first);
}

#if defined(__x86_64__)
#define HONE_TARGET(arch) __attribute__((target("arch=" arch)))
HONE_TARGET("x86-64-v4") void gemm_v4(const BlockGemm& g) {
  g.a_transposed ? in_wide_registers<1, kBlock>(g) : in_wide_registers<kBlock, 1>(g);
}
HONE_TARGET("x86-64-v3") void gemm_v3(const BlockGemm& g) {
  g.a_transposed ? in_narrow_registers<1, kBlock>(g) : in_narrow_registers<kBlock, 1>(g);
}
#endif

void gemm_anywhere(const BlockGemm& g) {
  g.a_transposed ? in_narrow_registers<1, kBlock>(g) : in_narrow_registers<kBlock, 1>(g);
}

auto best_here() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("x86-64-v4")) return gemm_v4;
  if (__builtin_cpu_supports("x86-64-v3")) return gemm_v3;
#endif
  return gemm_anywhere;
}

}  // namespace

void block_gemm(const BlockGemm& g) {
  static const auto gemm = best_here();
  gemm(g);
}

void transpose_block(const float* from, std::int64_t rows, std::int64_t columns, float* to) {
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t c = 0; c < columns; ++c) to[c * kBlock + r] = from[r * kBlock + c];
}

}  // namespace hone::nn
