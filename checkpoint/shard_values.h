#pragma once
// Finds the values of an arena range in what a rank holds of a tensor.
#include <span>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "core/base/error.h"

namespace hone::checkpoint {

class ShardValues {
 public:
  ShardValues(const ArenaLayout& layout, std::vector<Range> shards)
      : size_(layout.size), shards_(std::move(shards)) {}

  // `range` lies inside one shard of this rank.
  std::span<const float> of(const FlatTensor& tensor, Range range) const {
    const auto part = [&](std::int64_t begin) {
      return tensor.values.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(range.length()));
    };
    if (tensor.holding == FlatTensor::Holding::whole) {
      HONE_CHECK(std::ssize(tensor.values) == size_);
      return part(range.begin);
    }
    std::int64_t held = 0, begin = -1;
    for (const Range& shard : shards_) {
      if (shard.begin <= range.begin && range.end <= shard.end) begin = held + range.begin - shard.begin;
      held += shard.length();
    }
    HONE_CHECK(begin >= 0 && std::ssize(tensor.values) == held);
    return part(begin);
  }

  const std::vector<Range>& shards() const { return shards_; }

 private:
  std::int64_t size_;
  std::vector<Range> shards_;
};

}  // namespace hone::checkpoint
