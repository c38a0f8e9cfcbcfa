#include "core/train/shard_plan.h"

#include <algorithm>

#include "core/base/error.h"

namespace hone {

std::int64_t round_up(std::int64_t value, std::int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

std::vector<std::size_t> blocks_of_parameters(const ArenaLayout& layout) {
  std::vector<std::size_t> blocks;
  for (std::size_t b = 0; b < layout.blocks.size(); ++b)
    while (blocks.size() < layout.parameters.size() &&
           layout.parameters[blocks.size()].range.begin < layout.blocks[b].range.end)
      blocks.push_back(b);
  return blocks;
}

std::int64_t longest_shard(std::int64_t block, int world_size, std::int64_t granule) {
  return shard_of({0, block}, 0, world_size, granule).length();
}

std::int64_t part_of_bytes(std::int64_t bytes, int world_size) {
  return round_up(bytes, 64 * world_size) / world_size;
}

void ArenaLayoutBuilder::begin_block(std::string name) {
  layout_.blocks.push_back({std::move(name), {layout_.size, layout_.size}});
}

void ArenaLayoutBuilder::add(std::string name, std::vector<std::int64_t> shape, bool decay) {
  HONE_CHECK(!layout_.blocks.empty());
  std::int64_t count = 1;
  for (const std::int64_t dim : shape) count *= dim;
  const Range range{layout_.size, layout_.size + count};
  layout_.parameters.push_back({std::move(name), std::move(shape), range, decay});
  layout_.size = round_up(range.end, kAlignment);
  layout_.blocks.back().range.end = layout_.size;
}

ArenaLayout ArenaLayoutBuilder::finish() { return std::move(layout_); }

Range shard_of(Range block, int rank, int world_size, std::int64_t granule) {
  HONE_CHECK(world_size > 0 && rank >= 0 && rank < world_size && granule > 0);
  const std::int64_t cut = round_up(block.length(), world_size * granule) / world_size;
  const std::int64_t begin = std::min(block.end, block.begin + rank * cut);
  return {begin, std::min(block.end, begin + cut)};
}

std::vector<Range> shards_of(const ArenaLayout& layout, int rank, int world_size, std::int64_t granule) {
  std::vector<Range> shards;
  for (const BlockRange& block : layout.blocks) {
    const Range shard = shard_of(block.range, rank, world_size, granule);
    if (!shard.empty()) shards.push_back(shard);
  }
  return shards;
}

OwnedShards::OwnedShards(std::vector<Range> shards) : ranges_(std::move(shards)) {
  std::erase_if(ranges_, [](const Range& range) { return range.empty(); });
  for (const Range& range : ranges_) {
    places_.push_back(size_);
    size_ += range.length();
  }
}

std::int64_t OwnedShards::place(std::int64_t element) const {
  const auto after = std::upper_bound(ranges_.begin(), ranges_.end(), element,
                                      [](std::int64_t e, const Range& range) { return e < range.begin; });
  HONE_CHECK(after != ranges_.begin() && element < std::prev(after)->end);
  return places_[static_cast<std::size_t>(after - ranges_.begin()) - 1] + element - std::prev(after)->begin;
}

}  // namespace hone
