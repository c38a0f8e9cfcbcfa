#include "core/train/communication_plan.h"

#include <algorithm>

#include "core/ports/gradient_reduction.h"

namespace hone::train {
namespace {

using model::Segment;

constexpr std::int64_t kF32 = 4;

class Uses {
 public:
  Uses(CollectiveKind kind, Phase phase, std::int64_t times) : use_{kind, phase, {}, 0, times} {}
  void call(std::int64_t bytes) {
    if (bytes == 0) return;
    ++use_.once.calls;
    use_.once.bytes += bytes;
    use_.largest = std::max(use_.largest, bytes);
  }
  void append_to(std::vector<CollectiveUse>& uses) const {
    if (use_.once.calls > 0) uses.push_back(use_);
  }

 private:
  CollectiveUse use_;
};

// Blocks together, from the arena's end, until they are a bucket.
void sum_in_buckets(const ShardedStep& step, std::vector<CollectiveUse>& uses) {
  Uses use(CollectiveKind::all_reduce, Phase::last_backward, 1);
  std::int64_t bucket = 0;
  for (std::size_t s = step.segments.size(); s-- > 0;) {
    bucket += kF32 * step.segments[s].trained;
    if (bucket < kBucketBytes && s > 0) continue;
    use.call(bucket);
    bucket = 0;
  }
  use.append_to(uses);
}

void reduce_blocks(const ShardedStep& step, std::vector<CollectiveUse>& uses) {
  const bool once = step.sharding.stage == 1;
  Uses use(CollectiveKind::reduce_scatter, once ? Phase::last_backward : Phase::backward,
           once ? 1 : step.micro_batches);
  for (const Segment& segment : step.segments) use.call(kF32 * padded(segment.trained, step.sharding));
  use.append_to(uses);
}

// Trained weights of every block, in the compute type.
void gather_updated(const ShardedStep& step, std::vector<CollectiveUse>& uses) {
  Uses use(CollectiveKind::all_gather, Phase::after_update, 1);
  for (const Segment& segment : step.segments)
    use.call(step.element_bytes * padded(segment.trained, step.sharding));
  use.append_to(uses);
}

// Weights as a pass comes to them, trained and frozen. Backward still has the head's, and an embedding needs
// none.
void gather_in(Phase phase, const ShardedStep& step, std::vector<CollectiveUse>& uses) {
  Uses use(CollectiveKind::all_gather, phase, step.micro_batches);
  const std::size_t spared = phase == Phase::backward ? 1 : 0;
  for (std::size_t s = spared; s + spared < step.segments.size(); ++s) {
    use.call(step.element_bytes * padded(step.segments[s].trained, step.sharding));
    use.call(step.sharding.ranks * owned_bytes(step.segments[s].frozen, step.sharding));
  }
  use.append_to(uses);
}

// Weight and tokens of the batch, the micro-batches' losses, whether to stop; with shards also the gradient's
// norm.
void agree(const ShardedStep& step, std::vector<CollectiveUse>& uses) {
  Uses use(CollectiveKind::all_reduce, Phase::agreement, 1);
  use.call(2 * sizeof(double));
  use.call(step.micro_batches * std::int64_t{sizeof(double)});
  use.call(sizeof(std::int32_t));
  if (step.sharding.stage > 0) use.call(sizeof(double));
  use.append_to(uses);
}

}  // namespace

std::vector<CollectiveUse> communication_plan(const ShardedStep& step) {
  std::vector<CollectiveUse> uses;
  if (step.sharding.ranks == 1) return uses;
  agree(step, uses);
  if (step.sharding.stage == 0) {
    sum_in_buckets(step, uses);
    return uses;
  }
  reduce_blocks(step, uses);
  if (step.sharding.stage < 3) {
    gather_updated(step, uses);
  } else {
    gather_in(Phase::forward, step, uses);
    gather_in(Phase::backward, step, uses);
  }
  return uses;
}

Traffic::Count total(const std::vector<CollectiveUse>& uses, CollectiveKind kind) {
  Traffic::Count sum;
  for (const CollectiveUse& use : uses) {
    if (use.kind != kind) continue;
    sum.calls += use.times * use.once.calls;
    sum.bytes += use.times * use.once.bytes;
  }
  return sum;
}

double on_the_wire(CollectiveKind kind, double bytes, int ranks) {
  const double share = static_cast<double>(ranks - 1) / ranks;
  return (kind == CollectiveKind::all_reduce ? 2 : 1) * share * bytes;
}

}  // namespace hone::train
