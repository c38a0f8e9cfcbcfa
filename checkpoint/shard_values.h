#pragma once
// Finds the values that a rank stores in what it holds of a tensor.
#include "checkpoint/checkpoint.h"
#include "core/base/error.h"

namespace hone::checkpoint {

// `range` lies inside one of `stored`, the ranges of this rank's values.
inline std::span<const std::byte> bytes_of(const HeldTensor& tensor, const std::vector<Range>& stored,
                                           Range range) {
  const std::int64_t size = size_of(tensor.spec.type);
  std::int64_t held = 0, begin = -1;
  for (const Range& mine : stored) {
    if (mine.begin <= range.begin && range.end <= mine.end) begin = held + range.begin - mine.begin;
    held += mine.length();
  }
  HONE_CHECK(begin >= 0 &&
             std::ssize(tensor.bytes) == size * (tensor.only_stored ? held : tensor.spec.count));
  if (!tensor.only_stored) begin = range.begin;
  return tensor.bytes.subspan(static_cast<std::size_t>(begin * size),
                              static_cast<std::size_t>(range.length() * size));
}

}  // namespace hone::checkpoint
