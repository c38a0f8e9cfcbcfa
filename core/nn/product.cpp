#include "core/nn/product.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <limits>

// BLAS, as LibTorch brings it: column-major C = alpha op(A) op(B) + beta C.
extern "C" void sgemm_(const char* op_a, const char* op_b, const int* m, const int* n, const int* k,
                       const float* alpha, const float* a, const int* lda, const float* b, const int* ldb,
                       const float* beta, float* c, const int* ldc);

namespace hone::nn {
namespace {

constexpr std::int64_t kWorthThreads = 1 << 20;  // multiplications
// BLAS lays out anew all of B that a call is given: this much at a time, which stays near the core too.
constexpr std::int64_t kDepth = 4096, kPanel = 1 << 20, kLeastColumns = 256;

bool fits_blas(const at::Tensor& x) {
  return std::max({x.size(0), x.size(1), x.stride(0), x.stride(1)}) <= std::numeric_limits<int>::max();
}
bool is_row_major(const at::Tensor& x) { return x.stride(1) == 1 && x.stride(0) >= x.size(1); }
bool is_column_major(const at::Tensor& x) { return x.stride(0) == 1 && x.stride(1) >= x.size(0); }

// LibTorch's own threads share one product of fp32 on a CPU badly where C is wide: up to half of the time
// they wait.
bool is_cut_here(const at::Tensor& c, const at::Tensor& a, const at::Tensor& b) {
  for (const at::Tensor* x : {&c, &a, &b})
    if (!x->is_cpu() || x->scalar_type() != at::kFloat || !fits_blas(*x)) return false;
  return is_row_major(c) && (is_row_major(a) || is_column_major(a)) &&
         (is_row_major(b) || is_column_major(b)) && c.numel() * a.size(1) >= kWorthThreads &&
         at::get_num_threads() > 1 && !at::in_parallel_region();
}

struct Operand {
  const float* data;
  std::int64_t row, column;
  explicit Operand(const at::Tensor& x)
      : data(x.const_data_ptr<float>()),
        row(is_row_major(x) ? x.stride(0) : 1),
        column(is_row_major(x) ? 1 : x.stride(1)) {}
  const char* op() const { return column == 1 ? "N" : "T"; }
  int leading() const { return static_cast<int>(std::max(row, column)); }
};

// Part `part` of `parts` of [0, n), cut at multiples of 16.
std::pair<std::int64_t, std::int64_t> share(std::int64_t n, std::int64_t part, std::int64_t parts) {
  const auto cut = [&](std::int64_t i) { return std::min(n, (n * i / parts + 15) / 16 * 16); };
  return {cut(part), cut(part + 1)};
}

struct Part {
  std::int64_t row, rows, column, columns, k;
  float beta;
};

// Row-major, which BLAS sees as the transposed product.
void one_part(const Part& p, const Operand& a, const Operand& b, float* c, int ldc) {
  const int high = static_cast<int>(p.rows), lda = b.leading(), ldb = a.leading();
  const float one = 1.0f;
  const std::int64_t step = std::max(kLeastColumns, kPanel / std::min(kDepth, p.k));
  for (std::int64_t k0 = 0; k0 < p.k; k0 += kDepth) {
    const int depth = static_cast<int>(std::min(kDepth, p.k - k0));
    const float beta = k0 == 0 ? p.beta : 1.0f;
    for (std::int64_t at = p.column; at < p.column + p.columns; at += step) {
      const int wide = static_cast<int>(std::min(step, p.column + p.columns - at));
      sgemm_(b.op(), a.op(), &wide, &high, &depth, &one, b.data + k0 * b.row + at * b.column, &lda,
             a.data + p.row * a.row + k0 * a.column, &ldb, &beta, c + p.row * ldc + at, &ldc);
    }
  }
}

// C = beta C + A B.
void in_parts(const at::Tensor& c, const at::Tensor& a, const at::Tensor& b, float beta) {
  const std::int64_t m = c.size(0), n = c.size(1);
  const Operand left(a), right(b);
  const Grid grid = product_grid(m, n, at::get_num_threads());
  at::parallel_for(0, grid.rows * grid.columns, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t part = begin; part < end; ++part) {
      const auto [row, last_row] = share(m, part / grid.columns, grid.rows);
      const auto [column, last_column] = share(n, part % grid.columns, grid.columns);
      if (row == last_row || column == last_column) continue;
      one_part({row, last_row - row, column, last_column - column, a.size(1), beta}, left, right,
               c.mutable_data_ptr<float>(), static_cast<int>(c.stride(0)));
    }
  });
}

}  // namespace

Grid product_grid(std::int64_t m, std::int64_t n, std::int64_t threads) {
  Grid best{threads, 1};
  for (std::int64_t rows = 1; rows < threads; ++rows) {
    if (threads % rows != 0) continue;
    const Grid grid{rows, threads / rows};
    if (grid.columns * m + grid.rows * n < best.columns * m + best.rows * n) best = grid;
  }
  return best;
}

at::Tensor product(const at::Tensor& a, const at::Tensor& b) {
  at::Tensor c = at::empty({a.size(0), b.size(1)}, a.options());
  product_to(c, a, b);
  return c;
}

void product_to(at::Tensor c, const at::Tensor& a, const at::Tensor& b) {
  is_cut_here(c, a, b) ? in_parts(c, a, b, 0.0f) : void(at::mm_out(c, a, b));
}

void add_product(at::Tensor c, const at::Tensor& a, const at::Tensor& b) {
  if (is_cut_here(c, a, b)) {
    in_parts(c, a, b, 1.0f);
  } else if (c.scalar_type() == a.scalar_type()) {
    c.addmm_(a, b);
  } else if (c.is_cuda() && c.scalar_type() == at::kFloat && c.size(0) > 1 && c.size(1) > 1) {
    // Summed and added in fp32. A single row or column might be taken for a bias, which is another path there.
    at::addmm_out(c, c, a, b, at::kFloat);
  } else {
    c.add_(at::mm(a, b));
  }
}

}  // namespace hone::nn
