#pragma once
// Optimizers for an arena on a device. AdamW over fp32 weights on CUDA is one kernel, its state beside the weights or,
// paged, in pinned host memory, which the kernel reads and writes over the bus. Every other one computes on the host:
// gradient and weights are copied there and the weights back.
#include <ATen/core/Tensor.h>

#include "core/optim/optimizer.h"

namespace hone::optim {

// `weights`: StepInput::type.
OptimizerPtr make_optimizer_on(at::Device device, const OptimOptions& options, const ArenaLayout& layout,
                               const OwnedShards& owned, StateType weights = StateType::f32);

// Bytes of the device's own memory that its state takes where `owned` elements of the arena are kept.
std::int64_t state_bytes_on(at::Device device, const OptimOptions& options, const ArenaLayout& layout,
                            std::int64_t owned, StateType weights);

}  // namespace hone::optim
