#pragma once
// Pure arithmetic over the arena of trainable parameters: which flat ranges there are, and which rank owns
// what. Every block's range is cut into world_size shards of ceil(length / (world_size * granule)) * granule
// elements, the last ones short or empty. dist, the optimizer and checkpoints all go by this plan.
#include <cstdint>
#include <string>
#include <vector>

namespace hone {

struct Range {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  std::int64_t length() const { return end - begin; }
  bool empty() const { return end <= begin; }
  bool operator==(const Range&) const = default;
};

struct ParameterSlice {
  std::string name;  // as exported, e.g. model.layers.0.self_attn.q_proj.lora_A
  std::vector<std::int64_t> shape;
  Range range;        // in the arena, without padding
  bool decay = true;  // weight decay applies
};

struct BlockRange {
  std::string name;  // "embedding", "layers.7", "head"
  Range range;       // in the arena, with padding
};

struct ArenaLayout {
  std::vector<ParameterSlice> parameters;
  std::vector<BlockRange> blocks;  // contiguous, in forward order, covering [0, size)
  std::int64_t size = 0;
};

// Appends parameters block by block; each begins at a multiple of kAlignment elements, so that no block of a
// block-wise optimizer spans two of them.
class ArenaLayoutBuilder {
 public:
  static constexpr std::int64_t kAlignment = 256;
  void begin_block(std::string name);
  void add(std::string name, std::vector<std::int64_t> shape, bool decay);
  ArenaLayout finish();

 private:
  ArenaLayout layout_;
};

std::int64_t round_up(std::int64_t value, std::int64_t multiple);

// The index of the block that each parameter lies in.
std::vector<std::size_t> blocks_of_parameters(const ArenaLayout& layout);

// Elements of the longest shard of a block: a rank's part where the block goes through a collective, in which
// every rank's part is as long.
std::int64_t longest_shard(std::int64_t block, int world_size, std::int64_t granule);

// The same of plain bytes that are cut evenly, at multiples of 64.
std::int64_t part_of_bytes(std::int64_t bytes, int world_size);

// Shard of `block` owned by `rank`.
Range shard_of(Range block, int rank, int world_size, std::int64_t granule);

// All non-empty shards of a rank, in arena order.
std::vector<Range> shards_of(const ArenaLayout& layout, int rank, int world_size, std::int64_t granule);

// What one rank keeps of tensors that lie beside the arena, held compactly: its shards one after the other.
class OwnedShards {
 public:
  explicit OwnedShards(std::vector<Range> shards);  // rising
  static OwnedShards everything(const ArenaLayout& layout) { return OwnedShards({{0, layout.size}}); }

  const std::vector<Range>& ranges() const { return ranges_; }
  std::int64_t size() const { return size_; }      // elements held
  std::int64_t place(std::int64_t element) const;  // of an owned element of the arena among what is held

 private:
  std::vector<Range> ranges_;
  std::vector<std::int64_t> places_;  // of each range's first element
  std::int64_t size_ = 0;
};

}  // namespace hone
