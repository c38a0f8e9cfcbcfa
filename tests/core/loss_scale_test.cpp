// Dynamic loss scaling against what torch.amp.GradScaler does.
#include "core/train/loss_scale.h"

#include <gtest/gtest.h>

#include "core/base/error.h"
#include "tests/core/golden.h"

namespace hone::test {

TEST(LossScale, EqualsTorchsGradScalerAtEveryStep) {
  const Golden golden("loss_scale.safetensors");  // made by make_loss_scale.py
  const at::Tensor overflows = golden["overflows"], changes = golden["changes"], scales = golden["scales"];
  LossScale scale;
  std::int64_t change = -1;
  for (std::int64_t step = 0; step < golden["steps"].item<std::int64_t>(); ++step) {
    if (change + 1 < changes.size(0) && changes[change + 1].item<std::int64_t>() == step) ++change;
    ASSERT_EQ(scale.value, scales[change].item<double>()) << "step " << step;
    if (overflows.eq(step).any().item<bool>()) {
      train::note_overflow(scale, step);
    } else {
      train::note_finite(scale);
    }
  }
  EXPECT_EQ(change + 1, changes.size(0));
  EXPECT_EQ(scale.skipped, overflows.size(0));
}

TEST(LossScale, EndsAtTheTwentiethSkipInARowOnly) {
  LossScale scale;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 19; ++i) EXPECT_NO_THROW(train::note_overflow(scale, i));
    train::note_finite(scale);
  }
  for (int i = 0; i < 19; ++i) train::note_overflow(scale, i);
  EXPECT_THROW(train::note_overflow(scale, 19), Error);
}

}  // namespace hone::test
