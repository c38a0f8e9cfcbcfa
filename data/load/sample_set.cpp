#include "data/load/sample_set.h"

#include <algorithm>

namespace hone::data {

void SampleSet::append(std::int64_t index, std::vector<std::int32_t>& ids,
                       std::vector<std::uint8_t>& supervised) const {
  const Sample sample = read(index);
  ids.insert(ids.end(), sample.ids.begin(), sample.ids.end());
  supervised.insert(supervised.end(), sample.supervised.begin(), sample.supervised.end());
}

std::int64_t SampleSet::tokens() const {
  std::int64_t tokens = 0;
  for (std::int64_t i = 0; i < size(); ++i) tokens += length(i);
  return tokens;
}

std::int64_t SampleSet::longest() const {
  std::int64_t longest = 0;
  for (std::int64_t i = 0; i < size(); ++i) longest = std::max(longest, length(i));
  return longest;
}

std::vector<std::int64_t> SampleSet::without_target(std::int64_t begin, std::int64_t end) const {
  std::vector<std::int64_t> found;
  for (std::int64_t i = begin; i < end; ++i)
    if (!has_target(i)) found.push_back(i);
  return found;
}

std::int64_t VectorSet::length(std::int64_t index) const {
  return static_cast<std::int64_t>(samples_[index].ids.size());
}

bool VectorSet::has_target(std::int64_t index) const {
  const auto& supervised = samples_[index].supervised;
  return supervised.size() > 1 && std::find(supervised.begin() + 1, supervised.end(), 1) != supervised.end();
}

}  // namespace hone::data
