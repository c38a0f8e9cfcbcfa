#pragma once
// Matrix products: a [M, K], b [K, N], both of one type; either may be a transposed view.
#include <ATen/core/Tensor.h>

namespace hone::nn {

at::Tensor product(const at::Tensor& a, const at::Tensor& b);  // [M, N], contiguous
void product_to(at::Tensor c, const at::Tensor& a, const at::Tensor& b);
void add_product(at::Tensor c, const at::Tensor& a, const at::Tensor& b);  // c += a b, in c's type

// How `threads` share a product: `rows` times `columns` parts of C, so that least of A and B is read twice.
struct Grid {
  std::int64_t rows, columns;
};
Grid product_grid(std::int64_t m, std::int64_t n, std::int64_t threads);

}  // namespace hone::nn
