#pragma once
// The order of samples as a pure function: place in the epoch to index, a keyed bijection of [0, n). Never a
// stored permutation, so any place of any epoch is as near as the first.
#include <cstdint>

namespace hone::data {

class SampleOrder {
 public:
  SampleOrder(std::int64_t count, std::uint64_t seed, bool shuffle);
  // 0 <= place < count. Without shuffling the place itself.
  std::int64_t index(std::int64_t epoch, std::int64_t place) const;

 private:
  std::uint64_t permute(std::uint64_t epoch, std::uint64_t value) const;

  std::uint64_t count_, seed_;
  bool shuffle_;
  int left_bits_, right_bits_;  // 2^(left + right) is the least power of two that is >= count
};

}  // namespace hone::data
