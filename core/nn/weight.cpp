#include "core/nn/weight.h"

#include <ATen/ATen.h>

#include "core/nn/few_rows.h"
#include "core/nn/product.h"

namespace hone::nn {

at::Tensor Weight::add_times_transposed(at::Tensor y, const at::Tensor& x) const {
  if (are_few_rows(x)) return y.add_(times_transposed(x));
  add_product(y, x, acquire().t());
  return y;
}

at::Tensor Weight::times_transposed(const at::Tensor& x) const { return nn::times_transposed(x, acquire()); }

}  // namespace hone::nn
