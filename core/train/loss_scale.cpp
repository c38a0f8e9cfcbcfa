#include "core/train/loss_scale.h"

#include <cmath>

#include "core/base/error.h"

namespace hone::train {

void note_finite(LossScale& scale) {
  scale.skipped_in_a_row = 0;
  if (++scale.good_steps < kGrowthInterval) return;
  scale.good_steps = 0;
  if (std::isfinite(static_cast<float>(scale.value * 2))) scale.value *= 2;  // it is applied in fp32
}

void note_overflow(LossScale& scale, std::int64_t step) {
  scale.good_steps = 0;
  scale.value /= 2;
  ++scale.skipped;
  if (++scale.skipped_in_a_row < kMostSkips) return;
  throw Error(Exit::not_finite, "NT002", "fp16 overflows at every loss scale", "step " + std::to_string(step),
              std::to_string(kMostSkips) + " steps in a row were skipped",
              "set model.dtype fp32 or bf16, lower optim.lr, or look at the rows of these steps");
}

}  // namespace hone::train
