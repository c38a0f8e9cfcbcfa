#include "core/nn/few_rows.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>

#include "core/nn/bf16_blocks.h"
#include "core/nn/cpu_rows.h"
#include "core/nn/product.h"

namespace hone::nn {
namespace {

constexpr std::int64_t kLanes = 16;
constexpr int kGroup = 8;                 // rows of x whose sums are held in registers at once
constexpr std::int64_t kWeightRows = 32;  // rows of W that stay in cache while groups of x go by

typedef float Lanes __attribute__((vector_size(64), aligned(4), may_alias));
typedef std::uint16_t HalfBits __attribute__((vector_size(32), aligned(2), may_alias));
typedef std::uint32_t WordBits __attribute__((vector_size(64)));

// By reference: returning a vector would have one ABI for each instruction set.
inline __attribute__((always_inline)) void load(const float* w, Lanes& out) {
  out = *reinterpret_cast<const Lanes*>(w);
}
inline __attribute__((always_inline)) void load(const c10::BFloat16* w, Lanes& out) {
  const WordBits bits = __builtin_convertvector(*reinterpret_cast<const HalfBits*>(w), WordBits) << 16;
  out = reinterpret_cast<const Lanes&>(bits);
}

inline __attribute__((always_inline)) float total(const Lanes& lanes) {
  float parts[kLanes];
  std::memcpy(parts, &lanes, sizeof parts);
  for (int width = kLanes / 2; width > 0; width /= 2)
    for (int l = 0; l < width; ++l) parts[l] += parts[l + width];
  return parts[0];
}

// out0[m * stride] = x[m] . w0, out1[m * stride] = x[m] . w1 for Rows rows of x; w1 may be w0 again.
template <int Rows, class T>
inline __attribute__((always_inline)) void two_dots(const float* x, const T* w0, const T* w1, std::int64_t in,
                                                    float* out0, float* out1, std::int64_t stride) {
  Lanes sum0[Rows] = {}, sum1[Rows] = {};
  const std::int64_t whole = in / kLanes * kLanes;
  for (std::int64_t k = 0; k < whole; k += kLanes) {
    Lanes a, b, row;
    load(w0 + k, a);
    load(w1 + k, b);
#pragma GCC unroll 8
    for (int m = 0; m < Rows; ++m) {
      load(x + m * in + k, row);
      sum0[m] += a * row;
      sum1[m] += b * row;
    }
  }
#pragma GCC unroll 8
  for (int m = 0; m < Rows; ++m) {
    float first = total(sum0[m]), second = total(sum1[m]);
    for (std::int64_t k = whole; k < in; ++k) {
      first += static_cast<float>(w0[k]) * x[m * in + k];
      second += static_cast<float>(w1[k]) * x[m * in + k];
    }
    out0[m * stride] = first;
    out1[m * stride] = second;
  }
}

struct Problem {
  std::int64_t rows, in, out;
  const float* x;  // [rows, in]
  float* y;        // [rows, out]
};

// Rows [begin, end) of the result; `w` begins at row `begin` of W.
template <class T>
inline __attribute__((always_inline)) void weight_rows(const Problem& p, const T* w, std::int64_t begin,
                                                       std::int64_t end) {
  const auto dots = [&]<int Rows>(std::int64_t m) __attribute__((always_inline)) {
    for (std::int64_t r = begin; r < end; r += 2) {
      const std::int64_t next = std::min(r + 1, end - 1);
      float* y = p.y + m * p.out;
      two_dots<Rows>(p.x + m * p.in, w + (r - begin) * p.in, w + (next - begin) * p.in, p.in, y + r, y + next,
                     p.out);
    }
  };
  std::int64_t m = 0;
  for (; m + kGroup <= p.rows; m += kGroup) dots.template operator()<kGroup>(m);
  for (; m < p.rows; ++m) dots.template operator()<1>(m);
}

HONE_CLONES void rows_of(const Problem& p, const float* w, std::int64_t begin, std::int64_t end) {
  weight_rows(p, w, begin, end);
}
HONE_CLONES void rows_of(const Problem& p, const c10::BFloat16* w, std::int64_t begin, std::int64_t end) {
  weight_rows(p, w, begin, end);
}

// multiply(problem, first row of W, last) in parallel over all rows of W, a few at a time.
template <class Multiply>
at::Tensor by_weight_rows(const at::Tensor& x, std::int64_t out, Multiply&& multiply) {
  const at::Tensor wide = x.to(at::kFloat);
  at::Tensor y = at::empty({x.size(0), out}, at::kFloat);
  const Problem problem{x.size(0), x.size(1), out, wide.const_data_ptr<float>(), y.mutable_data_ptr<float>()};
  at::parallel_for(0, (out + kWeightRows - 1) / kWeightRows, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t c = begin; c < end; ++c)
      multiply(problem, c * kWeightRows, std::min(out, (c + 1) * kWeightRows));
  });
  return y.to(x.scalar_type());
}

at::Tensor few_rows_by_lanes(const at::Tensor& x, const at::Tensor& w) {
  at::Tensor y;
  with_element_type(w, [&]<class T>(T*) {
    const T* weights = w.const_data_ptr<T>();
    y = by_weight_rows(x, w.size(0), [&](const Problem& p, std::int64_t first, std::int64_t last) {
      rows_of(p, weights + first * p.in, first, last);
    });
  });
  return y;
}

// x^T [in / 2, 16] in pairs; rows that x lacks are zero.
at::Tensor pairs_of_columns(const at::Tensor& x) {
  const std::int64_t rows = x.size(0), pairs = x.size(1) / 2;
  at::Tensor out = at::zeros({pairs, Bf16RowsGemm::kColumns}, at::kInt);
  const auto* from = x.const_data_ptr<c10::BFloat16>();
  auto* to = out.mutable_data_ptr<std::int32_t>();
  for (std::int64_t m = 0; m < rows; ++m)
    for (std::int64_t p = 0; p < pairs; ++p)
      std::memcpy(to + p * Bf16RowsGemm::kColumns + m, from + 2 * (m * pairs + p), sizeof *to);
  return out;
}

// rows_at(first): rows [first, first + kRows) of W, until the next call.
template <class RowsAt>
void whole_blocks(const Bf16Products& products, const at::Tensor& x, const at::Tensor& x_pairs,
                  std::int64_t begin, std::int64_t end, RowsAt&& rows_at, at::Tensor& y) {
  using Gemm = Bf16RowsGemm;
  const std::int64_t rows = x.size(0), out = y.size(1);
  const auto* pairs = reinterpret_cast<const Bf16Pair*>(x_pairs.const_data_ptr<std::int32_t>());
  auto* result = y.mutable_data_ptr<c10::BFloat16>();
  alignas(64) float block[Gemm::kRows * Gemm::kColumns];
  for (std::int64_t first = begin * Gemm::kRows; first < end * Gemm::kRows; first += Gemm::kRows) {
    products.multiply(Gemm{rows_at(first), x.size(1), pairs, block});
    for (std::int64_t m = 0; m < rows; ++m)
      for (std::int64_t r = 0; r < Gemm::kRows; ++r)
        result[m * out + first + r] = block[r * Gemm::kColumns + m];
  }
}

// make_rows(): a thread's own rows_at; rest(first): the columns of y from there on.
template <class MakeRows, class Rest>
at::Tensor in_blocks(Bf16Unit unit, const at::Tensor& x, std::int64_t out, MakeRows&& make_rows,
                     Rest&& rest) {
  const std::int64_t blocks = out / Bf16RowsGemm::kRows, done = blocks * Bf16RowsGemm::kRows;
  const at::Tensor x_pairs = pairs_of_columns(x);
  at::Tensor y = at::empty({x.size(0), out}, x.options());
  at::parallel_for(0, blocks, 1, [&](std::int64_t begin, std::int64_t end) {
    const Bf16Products products(unit);
    whole_blocks(products, x, x_pairs, begin, end, make_rows(), y);
  });
  if (done < out) y.narrow(1, done, out - done).copy_(rest(done));
  return y;
}

at::Tensor filled_by_lanes(const at::Tensor& x, std::int64_t first_row, std::int64_t out,
                           const FillRows& fill) {
  return by_weight_rows(x, out - first_row, [&](const Problem& p, std::int64_t first, std::int64_t last) {
    thread_local std::vector<float> rows;
    rows.resize(static_cast<std::size_t>((last - first) * p.in));
    fill.fp32(first_row + first, first_row + last, rows.data());
    rows_of(p, rows.data(), first, last);
  });
}

// AVX-512 BF16 multiplies as many weights at a time as fp32 does where x is one row.
bool is_worth_unit(const at::Tensor& x, std::int64_t out) {
  return bf16_unit() == Bf16Unit::amx && x.scalar_type() == at::kBFloat16 && x.size(1) % 32 == 0 &&
         out >= Bf16RowsGemm::kRows;
}

}  // namespace

at::Tensor few_rows_by(Bf16Unit unit, const at::Tensor& x, const at::Tensor& w) {
  const auto* weights = w.const_data_ptr<c10::BFloat16>();
  const std::int64_t in = x.size(1), out = w.size(0);
  return in_blocks(
      unit, x, out, [&] { return [&](std::int64_t first) { return weights + first * in; }; },
      [&](std::int64_t first) { return few_rows_by_lanes(x, w.narrow(0, first, out - first)); });
}

at::Tensor few_rows_by(Bf16Unit unit, const at::Tensor& x, std::int64_t out, const FillRows& fill) {
  const auto room = static_cast<std::size_t>(Bf16RowsGemm::kRows * x.size(1));
  return in_blocks(
      unit, x, out,
      [&] {
        return [&](std::int64_t first) {
          thread_local std::vector<c10::BFloat16> rows;
          rows.resize(room);
          fill.bf16(first, first + Bf16RowsGemm::kRows, rows.data());
          return static_cast<const c10::BFloat16*>(rows.data());
        };
      },
      [&](std::int64_t first) { return filled_by_lanes(x, first, out, fill); });
}

bool are_few_rows(const at::Tensor& x) { return x.size(0) <= kFewRows && has_cpu_kernel(x); }

at::Tensor few_rows_cpu(const at::Tensor& x, const at::Tensor& w) {
  return is_worth_unit(x, w.size(0)) ? few_rows_by(bf16_unit(), x, w) : few_rows_by_lanes(x, w);
}

at::Tensor few_rows_cpu(const at::Tensor& x, std::int64_t out, const FillRows& fill) {
  return is_worth_unit(x, out) ? few_rows_by(bf16_unit(), x, out, fill) : filled_by_lanes(x, 0, out, fill);
}

at::Tensor times_transposed(const at::Tensor& x, const at::Tensor& w) {
  const bool few = are_few_rows(x) && x.scalar_type() == w.scalar_type() && has_cpu_kernel(w);
  return few ? few_rows_cpu(x, w) : product(x, w.t());
}

}  // namespace hone::nn
