#pragma once
// AdamW (Loshchilov & Hutter 2019) in PyTorch's order: w *= 1 - lr wd; m, v updated; then
// w -= lr / (1 - beta1^t) * m / (sqrt(v) / sqrt(1 - beta2^t) + eps). fp32 state.
#include "core/optim/optimizer.h"
#include "core/optim/parameter_rules.h"

namespace hone::optim {

// One parameter's constants in one step.
struct AdamCoefficients {
  float one_minus_beta1, beta2, one_minus_beta2, eps, decay, step_size, inverse_root_correction2;
};
AdamCoefficients adam_coefficients(const OptimOptions& options, const ParameterRule& rule,
                                   const StepInput& in);

// n elements of weights, gradient and both moments.
void adam_run(float* w, const float* g, float* m, float* v, std::int64_t n, AdamCoefficients c);

OptimizerKind adamw();

}  // namespace hone::optim
