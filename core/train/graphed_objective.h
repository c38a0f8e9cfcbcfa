#pragma once
// An objective whose micro-batches run as captured CUDA graphs, one for each bucket of shapes.
#include "core/objective/objective.h"

namespace hone::train {

// The first micro-batch of a bucket runs as it is (its kernels are loaded then), the second is captured, later ones are
// replayed; beyond kMostGraphs buckets further ones run as they are. Losses and gradients are those of `inner` on padded
// batches. The model and the sink's buffers stay the same from call to call and outlive this. With `capture` false
// everything runs as it is, padded all the same (for tests on devices without graphs).
inline constexpr std::size_t kMostGraphs = 32;
// An objective that cannot be captured is returned as it is.
objective::ObjectivePtr make_graphed(objective::ObjectivePtr inner, bool capture = true);

}  // namespace hone::train
