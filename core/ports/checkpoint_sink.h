#pragma once
// What a run needs to go on, and where it is kept.
#include <cstdint>
#include <limits>

#include "core/ports/batch_source.h"

namespace hone {

// Of fp16 training; left as it is in other compute types.
struct LossScale {
  double value = 65536;
  std::int64_t good_steps = 0;        // since it last changed
  std::int64_t skipped = 0;           // steps so far that moved nothing: their gradient had overflowed
  std::int64_t skipped_in_a_row = 0;  // of these, the latest
  bool operator==(const LossScale&) const = default;
};

// Of the evaluations so far.
struct BestSoFar {
  double metric = std::numeric_limits<double>::quiet_NaN();
  std::int64_t step = 0;  // 0: none yet
  std::int64_t evaluations_without_gain = 0;
  bool operator==(const BestSoFar&) const = default;
};

struct TrainState {
  std::int64_t step = 0;  // optimizer steps done
  Cursor cursor;          // of the next step
  std::int64_t earlier_updates =
      0;  // that the optimizer's state had seen before step 1 (train.init_optimizer)
  LossScale loss_scale;
  BestSoFar best;
};

class CheckpointSink {
 public:
  virtual ~CheckpointSink() = default;
  // All of them entered by all ranks. Weights and optimizer go along with the state as they are at save(); they may be
  // written beside the steps that follow.
  virtual void save(const TrainState& state) = 0;
  virtual void after_step() {}  // what is written by now becomes a checkpoint
  virtual void wait() {}        // until everything saved is a checkpoint
};

}  // namespace hone
