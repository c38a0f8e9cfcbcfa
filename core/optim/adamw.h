#pragma once
// AdamW (Loshchilov & Hutter 2019) in PyTorch's order: w *= 1 - lr wd; m, v updated; then
// w -= lr / (1 - beta1^t) * m / (sqrt(v) / sqrt(1 - beta2^t) + eps). fp32 state.
#include "core/optim/optimizer.h"

namespace hone::optim {

OptimizerPtr make_adamw(const OptimOptions& options, const ArenaLayout& layout);

}  // namespace hone::optim
