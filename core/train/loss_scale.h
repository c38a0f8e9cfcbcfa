#pragma once
// Dynamic loss scaling for fp16, by the rules and constants of torch.amp.GradScaler: the loss is multiplied
// by the scale before backward and the gradient divided by it afterwards; a gradient that overflowed moves
// nothing and halves the scale, 2000 good steps in a row double it. Pure; every rank is told of the same
// steps.
#include <cstdint>

#include "core/ports/checkpoint_sink.h"

namespace hone::train {

inline constexpr std::int64_t kGrowthInterval = 2000;  // good steps
inline constexpr std::int64_t kMostSkips = 20;         // in a row

void note_finite(LossScale& scale);
// Throws Error(Exit::not_finite, "NT002") at the kMostSkips-th in a row.
void note_overflow(LossScale& scale, std::int64_t step);

}  // namespace hone::train
