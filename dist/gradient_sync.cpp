#include "dist/gradient_sync.h"

#include <algorithm>

#include "core/base/error.h"

namespace hone::dist {

ReplicatedReduction::ReplicatedReduction(std::span<float> gradient, const ArenaLayout& layout,
                                         Communicator& communicator, std::int64_t bucket_bytes,
                                         bool on_device)
    : gradient_(gradient),
      communicator_(communicator),
      on_device_(on_device),
      bucket_of_(layout.blocks.size()),
      final_(layout.blocks.size(), false) {
  HONE_CHECK(static_cast<std::int64_t>(gradient.size()) == layout.size);
  const std::int64_t least =
      std::max<std::int64_t>(1, bucket_bytes / static_cast<std::int64_t>(sizeof(float)));
  for (std::size_t block = layout.blocks.size(); block-- > 0;) {
    const Range& range = layout.blocks[block].range;
    if (buckets_.empty() || buckets_.back().range.length() >= least)
      buckets_.push_back({{range.end, range.end}});
    Bucket& bucket = buckets_.back();
    HONE_CHECK(bucket.range.begin == range.end);
    bucket.range.begin = range.begin;
    bucket.waiting = ++bucket.blocks;
    bucket_of_[block] = buckets_.size() - 1;
  }
}

void ReplicatedReduction::start(const Bucket& bucket) {
  started_.push_back(communicator_.all_reduce(
      {gradient_.data() + bucket.range.begin, bucket.range.length(), CommType::f32, on_device_},
      ReduceOp::sum));
}

void ReplicatedReduction::block_final(std::size_t block) {
  HONE_CHECK(block < final_.size() && !final_[block]);
  final_[block] = true;
  --buckets_[bucket_of_[block]].waiting;
  while (started_.size() < buckets_.size() && buckets_[started_.size()].waiting == 0)
    start(buckets_[started_.size()]);
}

void ReplicatedReduction::finish() {
  while (started_.size() < buckets_.size()) start(buckets_[started_.size()]);
  for (WorkPtr& work : started_) work->wait();
  started_.clear();
  std::fill(final_.begin(), final_.end(), false);
  for (Bucket& bucket : buckets_) bucket.waiting = bucket.blocks;
}

std::unique_ptr<GradientReduction> make_gradient_reduction(std::span<float> gradient,
                                                           const ArenaLayout& layout,
                                                           Communicator& communicator, bool on_device) {
  if (communicator.world_size() == 1) return std::make_unique<NoReduction>();
  return std::make_unique<ReplicatedReduction>(gradient, layout, communicator, kBucketBytes, on_device);
}

}  // namespace hone::dist
