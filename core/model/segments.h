#pragma once
// What each segment of a model holds, in the order of forward: the embedding, the blocks, the last norm with
// the head.
#include <cstdint>

#include "core/train/shard_plan.h"

namespace hone::model {

struct Segment {
  std::int64_t trained = 0;  // elements of its block of the arena, padding included
  std::int64_t frozen = 0;   // bytes of its other weights
};

// How a model would be dealt to ranks that need not be there (model::Sharding is what a run does). `granule`
// is the optimizer's.
struct ZeroPlan {
  int stage = 0, ranks = 1;
  std::int64_t granule = 1;
};

// What a rank owns of a block of so many elements, at most; and the block once all ranks' shards are as long.
inline std::int64_t owned_of(std::int64_t block, const ZeroPlan& s) {
  return longest_shard(block, s.ranks, s.granule);
}
inline std::int64_t padded(std::int64_t block, const ZeroPlan& s) { return s.ranks * owned_of(block, s); }

inline std::int64_t owned_bytes(std::int64_t frozen, const ZeroPlan& s) {
  return part_of_bytes(frozen, s.ranks);
}

}  // namespace hone::model
