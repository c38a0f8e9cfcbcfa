#pragma once
// Stochastic gradient descent as torch.optim.SGD: g += wd w (not decoupled); with optim.momentum b = momentum
// b + g, and the step is b, or g + momentum b under optim.nesterov; w -= lr step. One fp32 buffer with
// momentum, else none.
#include "core/optim/optimizer.h"

namespace hone::optim {

OptimizerKind sgd();

}  // namespace hone::optim
