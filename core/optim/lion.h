#pragma once
// Lion (Chen et al. 2023), decoupled decay: w *= 1 - lr wd; w -= lr sign(beta1 m + (1 - beta1) g);
// m = beta2 m + (1 - beta2) g. One fp32 moment.
#include "core/optim/optimizer.h"

namespace hone::optim {

OptimizerKind lion();

}  // namespace hone::optim
