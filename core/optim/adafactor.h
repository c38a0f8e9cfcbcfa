#pragma once
// Adafactor (Shazeer & Stern 2018) as transformers' class of that name computes it, without a first moment.
// With b = 1 - t^decay_rate a matrix keeps the running means R (by row) and C (by column) of g^2 + 1e-30, a
// vector the running v itself; u = g / sqrt(R C / mean(R)), or g / sqrt(v); w -= lr u / max(1, rms(u) /
// clip_threshold), after w -= lr wd w. Under optim.scale_parameter lr is multiplied by max(1e-3, rms(w)).
// fp32 state: one value per row and per column.
#include "core/optim/optimizer.h"

namespace hone::optim {

OptimizerKind adafactor();

}  // namespace hone::optim
