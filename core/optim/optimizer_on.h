#pragma once
// Optimizers for an arena on a device. AdamW over fp32 weights on CUDA is one kernel, its state beside the weights or,
// paged, in pinned host memory, which the kernel reads and writes over the bus. Every other one computes on the host:
// gradient and weights are copied there and the weights back.
#include <ATen/core/Tensor.h>

#include "core/optim/optimizer.h"

namespace hone::optim {

// `weights`: the type of StepInput::weights.
OptimizerPtr make_optimizer_on(at::Device device, const OptimOptions& options, const ArenaLayout& layout,
                               StateType weights = StateType::f32);

// Bytes of the device's own memory that its state takes, on a rank that owns so many of the arena's elements.
std::int64_t state_bytes_on(at::Device device, const OptimOptions& options, const ArenaLayout& layout,
                            StateType weights, std::int64_t owned);

}  // namespace hone::optim
