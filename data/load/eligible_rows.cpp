#include "data/load/eligible_rows.h"

#include <algorithm>

namespace hone::data {

EligibleRows::EligibleRows(const SampleSet& set, std::int64_t begin, std::int64_t end)
    : begin_(begin), end_(end), dropped_(set.without_target(begin, end)) {
  for (const std::int64_t dropped : dropped_)
    kept_before_.push_back(dropped - begin - static_cast<std::int64_t>(kept_before_.size()));
}

std::int64_t EligibleRows::at(std::int64_t i) const {
  const auto after = std::upper_bound(kept_before_.begin(), kept_before_.end(), i);
  return begin_ + i + (after - kept_before_.begin());
}

}  // namespace hone::data
