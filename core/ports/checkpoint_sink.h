#pragma once
// What a run needs to go on, and where it is kept.
#include <cstdint>
#include <limits>

#include "core/ports/batch_source.h"

namespace hone {

struct TrainState {
  std::int64_t step = 0;  // optimizer steps done
  Cursor cursor;          // of the next step
  double best_loss = std::numeric_limits<double>::infinity();  // of the evaluations so far
  std::int64_t best_step = 0;                                  // 0: none yet
};

class CheckpointSink {
 public:
  virtual ~CheckpointSink() = default;
  virtual void save(const TrainState& state) = 0;  // entered by all ranks; weights and optimizer go along
};

}  // namespace hone
