#pragma once
// What the ranks send each other in one optimizer step, in pure arithmetic over the shard plan.
//   stage 0  the gradient arena is summed in buckets, during the last micro-batch's backward
//   stage 1  every block is reduce-scattered instead; its weights are gathered after the update
//   stage 2  every block is reduce-scattered in every micro-batch's backward
//   stage 3  every segment's weights, frozen ones too, are gathered in forward, the blocks' again in backward,
//            and not after the update; what the head multiplies with is held until backward has been through it
#include <cstdint>
#include <vector>

#include "core/model/segments.h"
#include "core/ports/communicator.h"

namespace hone::train {

// When it runs: in forward or backward of every micro-batch, in backward of the last one, after the update,
// or where the ranks agree on a few numbers.
enum class Phase { forward, backward, last_backward, after_update, agreement };

struct CollectiveUse {
  CollectiveKind kind = CollectiveKind::all_reduce;
  Phase phase = Phase::agreement;
  Traffic::Count once;       // each time the phase runs
  std::int64_t largest = 0;  // bytes of its largest call
  std::int64_t times = 1;    // that the phase runs in a step
};

struct ShardedStep {
  std::vector<model::Segment> segments;
  model::ZeroPlan sharding;
  std::int64_t element_bytes = 4;  // of the compute type
  std::int64_t micro_batches = 1;  // of every rank
};

// Empty for one rank.
std::vector<CollectiveUse> communication_plan(const ShardedStep& step);

Traffic::Count total(const std::vector<CollectiveUse>& uses, CollectiveKind kind);  // of a step

// What each rank sends for this payload where ranks form a ring.
double on_the_wire(CollectiveKind kind, double bytes, int ranks);

}  // namespace hone::train
