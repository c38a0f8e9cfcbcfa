#pragma once
// index.json of a prepared folder: what the folder holds and what it was made of and with. Written last; a
// folder without it was never finished.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "data/shard/row_bounds.h"
#include "data/shard/sample_shard.h"
#include "data/source/jsonl_source.h"

namespace hone::data {

constexpr const char* kIndexName = "index.json";

struct ShardEntry {
  std::string name;  // plain file name in the same folder
  std::int64_t rows = 0;
  std::int64_t tokens = 0;
  std::uint64_t digest = 0;  // XXH3 of the whole file
  std::int64_t bytes = -1;   // size of the file; -1 where an older index does not say
  std::optional<RowBounds> bounds = {};
};

struct ShardIndex {
  Fingerprint fingerprint;
  std::string format;  // of the rows
  std::vector<ShardEntry> shards;
  std::vector<SourceFile> sources;
  LengthCounts lengths;  // empty where an older index does not have it
  std::int64_t rows() const;
  std::int64_t tokens() const;
};

std::string to_json(const ShardIndex& index);
ShardIndex read_shard_index(
    const std::string& folder);  // DS012 where it is missing, damaged or does not add up
bool is_prepared_folder(const std::string& path);

}  // namespace hone::data
