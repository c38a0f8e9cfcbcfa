#pragma once
// Samples as the bytes of a shard, or as a prepared folder, and back.
#include <algorithm>
#include <string>
#include <vector>

#include "core/base/file_system.h"
#include "data/shard/shard_index.h"

namespace hone::data {

inline std::string image_of(const std::vector<Sample>& samples, const Fingerprint& fingerprint) {
  SampleShardWriter writer(fingerprint);
  for (const Sample& sample : samples) writer.add(sample);
  const auto image = writer.image();
  return {reinterpret_cast<const char*>(image.data()), image.size()};
}

inline std::vector<Sample> read_all(const std::string& path, const Fingerprint& fingerprint) {
  const SampleShard shard(path);
  shard.require(fingerprint);
  std::vector<Sample> samples;
  for (std::int64_t row = 0; row < shard.rows(); ++row) samples.push_back(shard.read(row, {}));
  return samples;
}

inline bool same(const std::vector<Sample>& a, const std::vector<Sample>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Sample& x, const Sample& y) {
    return x.ids == y.ids && x.supervised == y.supervised && x.row == y.row;
  });
}

// Rows of one source, `rows_per_shard` in each shard. `bounds` false: as before the index knew them.
inline std::string write_folder(const std::string& folder, const std::vector<Sample>& samples,
                                const Fingerprint& fingerprint, std::size_t rows_per_shard,
                                bool bounds = true) {
  ShardIndex index;
  index.fingerprint = fingerprint;
  index.format = "text";
  make_directories(folder);
  for (std::size_t begin = 0; begin < samples.size(); begin += rows_per_shard) {
    SampleShardWriter writer(fingerprint);
    const std::size_t end = std::min(samples.size(), begin + rows_per_shard);
    for (std::size_t row = begin; row < end; ++row) writer.add(samples[row]);
    const auto image = writer.image();
    const std::string name = "shard-" + std::to_string(begin / rows_per_shard) + ".h5";
    write_file_atomic(folder + "/" + name, image);
    index.shards.push_back({name, static_cast<std::int64_t>(end - begin), writer.tokens(), xxh3(image)});
    if (!bounds) continue;
    index.shards.back().bytes = std::ssize(image);
    index.shards.back().bounds = writer.bounds();
    for (std::size_t row = begin; row < end; ++row) ++index.lengths[std::ssize(samples[row].ids)];
  }
  index.sources = {{"rows.jsonl", 0, std::ssize(samples), 0}};
  write_file_atomic(folder + "/" + kIndexName, to_json(index));
  return folder;
}

}  // namespace hone::data
