#pragma once
// Samples as the bytes of a shard, and back.
#include <algorithm>
#include <string>
#include <vector>

#include "data/shard/sample_shard.h"

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

}  // namespace hone::data
