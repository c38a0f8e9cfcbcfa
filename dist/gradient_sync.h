#pragma once
// Replicated data parallel: every rank holds the whole gradient arena and gets the sum over ranks.
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/ports/communicator.h"
#include "core/ports/gradient_reduction.h"
#include "core/train/shard_plan.h"

namespace hone::dist {

// Blocks are summed in buckets of at least `bucket_bytes`, made from the end of the arena (where backward
// ends first) to its begin and started strictly in that order: a block announced early waits for those behind
// it, so all ranks make the same calls whatever they announce.
class ReplicatedReduction final : public GradientReduction {
 public:
  // `gradient` has layout.size elements and, with the communicator, outlives this.
  ReplicatedReduction(std::span<float> gradient, const ArenaLayout& layout, Communicator& communicator,
                      std::int64_t bucket_bytes = kBucketBytes, bool on_device = false);
  void block_final(std::size_t block) override;
  void finish() override;

 private:
  struct Bucket {
    Range range;
    std::size_t blocks = 0;
    std::size_t waiting = 0;  // blocks not yet final in this step
  };
  void start(const Bucket& bucket);

  std::span<float> gradient_;
  Communicator& communicator_;
  const bool on_device_;
  std::vector<Bucket> buckets_;         // in starting order
  std::vector<std::size_t> bucket_of_;  // by block
  std::vector<bool> final_;             // by block
  std::vector<WorkPtr> started_;        // buckets_[0 .. size) are under way
};

// The one that fits: nothing to do for one rank.
std::unique_ptr<GradientReduction> make_gradient_reduction(std::span<float> gradient,
                                                           const ArenaLayout& layout,
                                                           Communicator& communicator,
                                                           bool on_device = false);

}  // namespace hone::dist
