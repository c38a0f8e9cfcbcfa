#include "core/nn/bf16_blocks.h"

#include <algorithm>

#include "core/nn/cpu_math.h"

#if defined(__x86_64__) && defined(__linux__)
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>
#define HONE_HAS_BF16_UNITS 1
#else
#define HONE_HAS_BF16_UNITS 0
#endif

namespace hone::nn {
namespace {

// Two neighbours in a row of bf16, read as one.
typedef Bf16Pair __attribute__((may_alias)) Neighbours;

c10::BFloat16 element(Bf16Pair pair, std::int64_t row) {
  return c10::BFloat16(static_cast<std::uint16_t>(pair >> 16 * row), c10::BFloat16::from_bits());
}

void multiply_anywhere(const Bf16Gemm& g) {
  for (std::int64_t row = 0; row < g.m; ++row) {
    float* c = g.c + row * kBlock;
    if (!g.accumulate) std::fill(c, c + g.n, 0.0f);
    for (std::int64_t k = 0; k < g.k; ++k) {
      const float a = g.a[row * kBlock + k];
      const Bf16Pair* b = g.b + k / 2 * kBlock;
      for (std::int64_t column = 0; column < g.n; ++column) c[column] += a * element(b[column], k % 2);
    }
  }
}

void multiply_rows_anywhere(const Bf16RowsGemm& g) {
  for (std::int64_t row = 0; row < g.kRows; ++row) {
    float* y = g.y + row * g.kColumns;
    std::fill(y, y + g.kColumns, 0.0f);
    for (std::int64_t k = 0; k < g.in; ++k)
      for (std::int64_t column = 0; column < g.kColumns; ++column)
        y[column] +=
            static_cast<float>(g.w[row * g.in + k]) * element(g.x[k / 2 * g.kColumns + column], k % 2);
  }
}

#if HONE_HAS_BF16_UNITS

#define HONE_AVX512_BF16 __attribute__((target("avx2,fma,avx512f,avx512bw,avx512vl,avx512bf16")))
#define HONE_AMX_BF16 __attribute__((target("amx-tile,amx-bf16")))

// 8 rows by 32 columns: 16 sums under way.
HONE_AVX512_BF16 void tile_avx512(const Bf16Gemm& g, std::int64_t row, std::int64_t column) {
  constexpr int kRows = 8;
  float* c = g.c + row * kBlock + column;
  __m512 sum[kRows][2];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r)
    for (int v = 0; v < 2; ++v)
      sum[r][v] = g.accumulate ? _mm512_load_ps(c + r * kBlock + 16 * v) : _mm512_setzero_ps();
  const auto* a = reinterpret_cast<const Neighbours*>(g.a + row * kBlock);
  for (std::int64_t k = 0; k < g.k / 2; ++k) {
    const auto b0 = reinterpret_cast<__m512bh>(_mm512_load_ps(g.b + k * kBlock + column));
    const auto b1 = reinterpret_cast<__m512bh>(_mm512_load_ps(g.b + k * kBlock + column + 16));
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      const auto both =
          reinterpret_cast<__m512bh>(_mm512_set1_epi32(static_cast<int>(a[r * kBlock / 2 + k])));
      sum[r][0] = _mm512_dpbf16_ps(sum[r][0], both, b0);
      sum[r][1] = _mm512_dpbf16_ps(sum[r][1], both, b1);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r)
    for (int v = 0; v < 2; ++v) _mm512_store_ps(c + r * kBlock + 16 * v, sum[r][v]);
}

HONE_AVX512_BF16 void multiply_avx512(const Bf16Gemm& g) {
  for (std::int64_t row = 0; row < g.m; row += 8)
    for (std::int64_t column = 0; column < g.n; column += 32) tile_avx512(g, row, column);
}

// 2 by 2 tiles of 16 by 16 sums; a tile of A is [16, 32], one of B [16 pairs, 16].
HONE_AMX_BF16 void multiply_amx(const Bf16Gemm& g) {
  constexpr long kRow = kBlock * sizeof(float), kRowOfA = kBlock * sizeof(c10::BFloat16);
  asm volatile("" ::: "memory");  // the compiler does not know that tiles are read from memory
  for (std::int64_t row = 0; row < g.m; row += 32) {
    for (std::int64_t column = 0; column < g.n; column += 32) {
      float *above = g.c + row * kBlock + column, *below = above + 16 * kBlock;
      if (g.accumulate) {
        _tile_loadd(0, above, kRow);
        _tile_loadd(1, above + 16, kRow);
        _tile_loadd(2, below, kRow);
        _tile_loadd(3, below + 16, kRow);
      } else {
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
      }
      for (std::int64_t k = 0; k < g.k; k += 32) {
        const c10::BFloat16* a = g.a + row * kBlock + k;
        const Bf16Pair* b = g.b + k / 2 * kBlock + column;
        _tile_loadd(4, a, kRowOfA);
        _tile_loadd(6, b, kRow);
        _tile_loadd(7, b + 16, kRow);
        _tile_loadd(5, a + 16 * kBlock, kRowOfA);
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
      }
      _tile_stored(0, above, kRow);
      _tile_stored(1, above + 16, kRow);
      _tile_stored(2, below, kRow);
      _tile_stored(3, below + 16, kRow);
    }
  }
  asm volatile("" ::: "memory");
}

// A tile of w is [16, 32], one of x [16 pairs, 16].
HONE_AMX_BF16 void multiply_rows_amx(const Bf16RowsGemm& g) {
  const long row = g.in * static_cast<long>(sizeof(c10::BFloat16));
  constexpr long kRowOfX = Bf16RowsGemm::kColumns * sizeof(Bf16Pair), kStep = 32;
  asm volatile("" ::: "memory");  // as above
  _tile_zero(0);
  _tile_zero(1);
  for (std::int64_t k = 0; k < g.in; k += kStep) {
    _tile_loadd(4, g.w + k, row);
    _tile_loadd(5, g.w + 16 * g.in + k, row);
    _tile_loadd(6, g.x + k / 2 * g.kColumns, kRowOfX);
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 5, 6);
  }
  _tile_stored(0, g.y, kRowOfX);
  _tile_stored(1, g.y + 16 * g.kColumns, kRowOfX);
  asm volatile("" ::: "memory");
}

// Eight tiles of 16 rows of 64 bytes.
HONE_AMX_BF16 void take_tiles() {
  struct alignas(64) {
    std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
    std::uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
    std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
  } config;
  static_assert(sizeof config == 64);
  asm volatile("" ::: "memory");
  _tile_loadconfig(&config);
}

HONE_AMX_BF16 void release_tiles() { _tile_release(); }

// Linux grants a process the tiles' part of a thread's state when it is asked for (kernel: x86/xstate).
bool may_use_tiles() {
  constexpr long kAskForState = 0x1023, kTileData = 18;
  return __builtin_cpu_supports("amx-tile") && __builtin_cpu_supports("amx-bf16") &&
         syscall(SYS_arch_prctl, kAskForState, kTileData) == 0;
}

bool has_avx512_bf16() { return __builtin_cpu_supports("x86-64-v4") && __builtin_cpu_supports("avx512bf16"); }

HONE_AVX512_BF16 void round_avx512(const float* x, std::int64_t rows, std::int64_t columns,
                                   c10::BFloat16* to) {
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t c = r * kBlock; c < r * kBlock + columns; c += 16)
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + c),
                          reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(_mm512_load_ps(x + c))));
}

HONE_AVX512_BF16 __m512i rounded(const float* x) {
  return _mm512_cvtepu16_epi32(reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(_mm512_load_ps(x))));
}

HONE_AVX512_BF16 void round_to_pairs_avx512(const float* x, std::int64_t rows, std::int64_t columns,
                                            Bf16Pair* to) {
  for (std::int64_t r = 0; r < rows; r += 2)
    for (std::int64_t c = 0; c < columns; c += 16) {
      const float* even = x + r * kBlock + c;
      const __m512i high = _mm512_slli_epi32(rounded(even + kBlock), 16);
      _mm512_storeu_si512(to + r / 2 * kBlock + c, _mm512_or_si512(rounded(even), high));
    }
}

#endif

}  // namespace

std::vector<Bf16Unit> usable_bf16_units() {
  std::vector<Bf16Unit> units;
#if HONE_HAS_BF16_UNITS
  if (has_avx512_bf16() && may_use_tiles()) units.push_back(Bf16Unit::amx);
  if (has_avx512_bf16()) units.push_back(Bf16Unit::avx512);
#endif
  units.push_back(Bf16Unit::anywhere);
  return units;
}

Bf16Unit bf16_unit() {
  static const Bf16Unit best = usable_bf16_units().front();
  return best == Bf16Unit::anywhere ? Bf16Unit::none : best;
}

Bf16Products::Bf16Products(Bf16Unit unit) : unit_(unit), multiply_(multiply_anywhere) {
#if HONE_HAS_BF16_UNITS
  if (unit == Bf16Unit::avx512) multiply_ = multiply_avx512;
  if (unit == Bf16Unit::amx) multiply_ = multiply_amx, take_tiles();
#endif
}

Bf16Products::~Bf16Products() {
#if HONE_HAS_BF16_UNITS
  if (unit_ == Bf16Unit::amx) release_tiles();
#endif
}

void Bf16Products::multiply(const Bf16RowsGemm& g) const {
#if HONE_HAS_BF16_UNITS
  if (unit_ == Bf16Unit::amx) return multiply_rows_amx(g);
#endif
  multiply_rows_anywhere(g);
}

void Bf16Products::round(const float* x, std::int64_t rows, std::int64_t columns, c10::BFloat16* to) const {
#if HONE_HAS_BF16_UNITS
  if (unit_ == Bf16Unit::amx || unit_ == Bf16Unit::avx512) return round_avx512(x, rows, columns, to);
#endif
  for (std::int64_t r = 0; r < rows; ++r) store_row(x + r * kBlock, to + r * kBlock, columns);
}

void Bf16Products::round_to_pairs(const float* x, std::int64_t rows, std::int64_t columns,
                                  Bf16Pair* to) const {
#if HONE_HAS_BF16_UNITS
  if (unit_ == Bf16Unit::amx || unit_ == Bf16Unit::avx512) return round_to_pairs_avx512(x, rows, columns, to);
#endif
  alignas(64) c10::BFloat16 two[2 * kBlock];
  for (std::int64_t r = 0; r < rows; r += 2) {
    for (std::int64_t i = 0; i < 2; ++i) store_row(x + (r + i) * kBlock, two + i * kBlock, columns);
    pair_rows(two, 2, columns, to + r / 2 * kBlock);
  }
}

HONE_CLONES void pair_rows(const c10::BFloat16* x, std::int64_t rows, std::int64_t columns, Bf16Pair* to) {
  const auto* bits = reinterpret_cast<const std::uint16_t*>(x);
  for (std::int64_t r = 0; r < rows; r += 2) {
    const std::uint16_t *even = bits + r * kBlock, *odd = even + kBlock;
    Bf16Pair* out = to + r / 2 * kBlock;
    for (std::int64_t c = 0; c < columns; ++c) out[c] = even[c] | static_cast<Bf16Pair>(odd[c]) << 16;
  }
}

void transpose_to_pairs(const c10::BFloat16* x, std::int64_t rows, std::int64_t columns, Bf16Pair* to) {
  const auto* pairs = reinterpret_cast<const Neighbours*>(x);  // of the transpose's rows
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t c = 0; c < columns / 2; ++c) to[c * kBlock + r] = pairs[r * kBlock / 2 + c];
}

void transpose_rows(const c10::BFloat16* x, std::int64_t rows, std::int64_t columns, c10::BFloat16* to) {
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t c = 0; c < columns; ++c) to[c * kBlock + r] = x[r * kBlock + c];
}

}  // namespace hone::nn
