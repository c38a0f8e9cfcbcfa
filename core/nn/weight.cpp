#include "core/nn/weight.h"

#include <ATen/ATen.h>

#include "core/nn/few_rows.h"

namespace hone::nn {

at::Tensor Weight::times_transposed(const at::Tensor& x) const { return nn::times_transposed(x, acquire()); }

}  // namespace hone::nn
