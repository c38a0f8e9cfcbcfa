#pragma once
// Pure arithmetic: which values of every state tensor a rank stores, and how they are laid out over files of
// bounded size.
#include <cstdint>
#include <string>
#include <vector>

#include "core/ports/state_tensor.h"
#include "core/train/shard_plan.h"

namespace hone::checkpoint {

// A rank of the world, and the granule of its shard plan.
struct ShardOwner {
  int rank = 0;
  int world_size = 1;
  std::int64_t granule = 1;
};

// The values of `tensor` that the owner stores: those beside its shards of the arena; of a whole tensor, an
// even cut.
std::vector<Range> value_ranges(const StateSpec& tensor, const ArenaLayout& layout, const ShardOwner& owner);

// Ranges of one tensor's values that a file holds, one after the other.
struct FilePart {
  std::string tensor;
  std::vector<Range> ranges;
  std::int64_t values() const;
  bool operator==(const FilePart&) const = default;
};

struct PlannedTensor {
  std::string name;
  std::int64_t value_bytes = 4;
  std::vector<Range> ranges;
};

// One list of parts a file. A range is cut where a file is full; no file holds more than `limit` bytes of
// values.
std::vector<std::vector<FilePart>> plan_files(const std::vector<PlannedTensor>& tensors, std::int64_t limit);

// "rank-00000-00000.h5": the only names a checkpoint uses besides manifest.json.
std::string shard_file_name(int rank, int index);
bool is_shard_file_name(const std::string& name);

}  // namespace hone::checkpoint
