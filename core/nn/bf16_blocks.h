#pragma once
// C (+)= A B for the blocks that attention in bf16 on CPUs is made of: factors in bf16, sums in fp32, by the
// processor's own instructions for that (AMX tiles, AVX-512 BF16).
#include <c10/util/BFloat16.h>

#include <cstdint>
#include <vector>

#include "core/nn/block_gemm.h"

namespace hone::nn {

// `anywhere` is plain code, for tests: without such instructions fp32 is faster.
enum class Bf16Unit { none, amx, avx512, anywhere };
Bf16Unit bf16_unit();  // the fastest here, or none
std::vector<Bf16Unit> usable_bf16_units();

// Two rows of bf16 side by side: a word holds an even row's element in its low half, the next row's in its high one.
using Bf16Pair = std::uint32_t;

// A [M, K] bf16; B [K / 2, N] pairs; C [M, N] fp32. M, N and K are multiples of 32 and at most kBlock; a row is followed
// by the next kBlock elements on. All begin with a cache line. C does not overlap A or B.
struct Bf16Gemm {
  std::int64_t m, n, k;
  const c10::BFloat16* a;
  const Bf16Pair* b;
  float* c;
  bool accumulate;
};

// y [32, 16] = w [32, in] x, with w's rows as they lie, one after another, and x [in / 2, 16] in pairs; in is a multiple
// of 32.
struct Bf16RowsGemm {
  const c10::BFloat16* w;
  std::int64_t in;
  const Bf16Pair* x;
  float* y;
  static constexpr std::int64_t kRows = 32, kColumns = 16;
};

// Holds the thread's tile registers while it lives: made and used on one thread, with no other product in between.
class Bf16Products {
 public:
  explicit Bf16Products(Bf16Unit unit);
  ~Bf16Products();
  Bf16Products(const Bf16Products&) = delete;
  Bf16Products& operator=(const Bf16Products&) = delete;

  void multiply(const Bf16Gemm& g) const { multiply_(g); }
  void multiply(const Bf16RowsGemm& g) const;
  // x [rows, kBlock] rounded to bf16, `columns` of each row; rows and columns as in Bf16Gemm.
  void round(const float* x, std::int64_t rows, std::int64_t columns, c10::BFloat16* to) const;
  void round_to_pairs(const float* x, std::int64_t rows, std::int64_t columns, Bf16Pair* to) const;

 private:
  Bf16Unit unit_;
  void (*multiply_)(const Bf16Gemm&);
};

// x [rows, kBlock] as pairs of rows, [rows / 2, kBlock].
void pair_rows(const c10::BFloat16* x, std::int64_t rows, std::int64_t columns, Bf16Pair* to);
// The transpose of x [rows, kBlock] as pairs of its rows, which are x's columns: [columns / 2, kBlock].
void transpose_to_pairs(const c10::BFloat16* x, std::int64_t rows, std::int64_t columns, Bf16Pair* to);
// The transpose itself, [columns, kBlock].
void transpose_rows(const c10::BFloat16* x, std::int64_t rows, std::int64_t columns, c10::BFloat16* to);

}  // namespace hone::nn
