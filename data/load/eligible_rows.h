#pragma once
// The samples of a part of a set that training draws from: those with a target. Only what is left out is
// kept.
#include <cstdint>
#include <vector>

#include "data/load/sample_set.h"

namespace hone::data {

class EligibleRows {
 public:
  EligibleRows() = default;
  EligibleRows(const SampleSet& set, std::int64_t begin,
               std::int64_t end);  // samples [begin, end) of the set
  std::int64_t count() const { return end_ - begin_ - static_cast<std::int64_t>(dropped_.size()); }
  std::int64_t at(std::int64_t i) const;                                 // in the set, 0 <= i < count()
  const std::vector<std::int64_t>& dropped() const { return dropped_; }  // in the set, rising

 private:
  std::int64_t begin_ = 0, end_ = 0;
  std::vector<std::int64_t> dropped_;
  std::vector<std::int64_t> kept_before_;  // for each dropped one
};

}  // namespace hone::data
