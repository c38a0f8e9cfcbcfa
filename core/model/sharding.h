#pragma once
// How what a model holds is spread over ranks (ZeRO, Rajbhandari et al. 2020). Stage 1 shards the optimizer's
// state (and masters of another type than the compute type), 2 gradients too, 3 weights too, frozen ones
// included. Each block of the arena is cut as shard_plan says.
#include "core/ports/communicator.h"
#include "core/train/shard_plan.h"

namespace hone::model {

struct Sharding {
  std::int64_t stage = 0;
  std::int64_t granule = 64;             // shards begin at multiples of it; the optimizer's, or a multiple
  Communicator* communicator = nullptr;  // the ranks that share; outlives the model. Needed from stage 1 on
  Communicator* replicas = nullptr;  // those that hold the same shards in other such groups; null: one group

  bool shards_state() const { return stage >= 1; }
  bool shards_gradients() const { return stage >= 2; }
  bool shards_weights() const { return stage >= 3; }
  int rank() const { return communicator ? communicator->rank() : 0; }
  int world_size() const { return communicator ? communicator->world_size() : 1; }

  // What this rank keeps of optimizer state.
  OwnedShards owned(const ArenaLayout& layout) const {
    if (!shards_state()) return OwnedShards::everything(layout);
    return OwnedShards(shards_of(layout, rank(), world_size(), granule));
  }
  Range shard(Range block) const { return shard_of(block, rank(), world_size(), granule); }
  std::int64_t part(Range block) const { return longest_shard(block.length(), world_size(), granule); }
};

}  // namespace hone::model
