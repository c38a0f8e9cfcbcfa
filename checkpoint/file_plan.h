#pragma once
// Pure arithmetic: how one rank's shards of every flat tensor are laid out over files of bounded size.
#include <cstdint>
#include <string>
#include <vector>

#include "core/train/shard_plan.h"

namespace hone::checkpoint {

// Arena ranges of one tensor that a file holds, one after the other.
struct FilePart {
  std::string tensor;
  std::vector<Range> ranges;
  std::int64_t elements() const;
  bool operator==(const FilePart&) const = default;
};

// One list of parts a file. A range is cut where a file is full; no file holds more than `limit` elements.
std::vector<std::vector<FilePart>> plan_files(const std::vector<std::string>& tensors,
                                              const std::vector<Range>& shards, std::int64_t limit);

// "rank-00000-00000.h5": the only names a checkpoint uses besides manifest.json.
std::string shard_file_name(int rank, int index);
bool is_shard_file_name(const std::string& name);

}  // namespace hone::checkpoint
