#include "core/train/sharded_gradients.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "core/model/comm_buffer.h"

namespace hone::train {
namespace {

constexpr std::size_t kUnderWay = 2;  // blocks, where their memory counts

std::int64_t chunks_of(Range block) { return (block.length() + kTreeGranule - 1) / kTreeGranule; }

}  // namespace

ShardedGradients::ShardedGradients(const ArenaLayout& layout, const model::Sharding& sharding, bool tree,
                                   at::Device device)
    : StepGradients(layout, sharding.owned(layout), device),
      sharding_(sharding),
      tree_(tree),
      every_micro_batch_(tree || sharding.shards_gradients()),
      block_of_(blocks_of_parameters(layout)),
      staged_(layout.blocks.size()),
      final_(layout.blocks.size()) {
  HONE_CHECK(sharding.communicator && (!tree || sharding.granule % kTreeGranule == 0));
}

void ShardedGradients::begin_step() {
  sum_.zero_();
  for (at::Tensor& block : staged_)
    if (block.defined()) block.zero_();
  subtrees_.clear();
}

void ShardedGradients::begin_micro_batch(bool last) {
  last_ = last;
  std::fill(final_.begin(), final_.end(), false);
  next_ = reduces() ? final_.size() : 0;
}

at::Tensor& ShardedGradients::staged(std::size_t block) {
  if (!staged_[block].defined()) {
    const Range range = layout_.blocks[block].range;
    const std::int64_t size =
        sharding_.shards_state() ? sharding_.part(range) * sharding_.world_size() : range.length();
    staged_[block] = at::zeros({size}, sum_.options());
  }
  return staged_[block];
}

at::Tensor ShardedGradients::gradient(std::size_t parameter) {
  const ParameterSlice& slice = layout_.parameters[parameter];
  const std::size_t block = block_of_[parameter];
  HONE_CHECK(!reduces() || !final_[block]);
  return staged(block)
      .narrow(0, slice.range.begin - layout_.blocks[block].range.begin, slice.range.length())
      .view(slice.shape);
}

void ShardedGradients::block_final(std::size_t block) {
  if (!reduces()) return;
  HONE_CHECK(!final_[block]);
  final_[block] = true;
  start_final();
}

// Strictly from the end, whatever is announced when: all ranks make the same calls.
void ShardedGradients::start_final() {
  while (next_ > 0 && final_[next_ - 1]) start(--next_);
}

void ShardedGradients::start(std::size_t block) {
  if (every_micro_batch_ && under_way_.size() >= kUnderWay) complete_oldest();
  UnderWay one{block, staged(block), {}, nullptr};
  if (every_micro_batch_) staged_[block].reset();
  Communicator& ranks = *sharding_.communicator;
  if (sharding_.shards_state()) {
    one.received = at::empty({sharding_.part(layout_.blocks[block].range)}, sum_.options());
    one.work =
        ranks.reduce_scatter(model::floats_of(one.sent), model::floats_of(one.received), ReduceOp::sum);
  } else {
    one.received = one.sent;
    one.work = ranks.all_reduce(model::floats_of(one.sent), ReduceOp::sum);
  }
  under_way_.push_back(std::move(one));
}

void ShardedGradients::end_micro_batch() {
  if (!reduces()) return;
  std::fill(final_.begin(), final_.end(), true);
  start_final();
}

void ShardedGradients::complete_oldest() {
  UnderWay one = std::move(under_way_.front());
  under_way_.pop_front();
  one.work->wait();
  if (sharding_.replicas && sharding_.shards_state())
    sharding_.replicas->all_reduce(model::floats_of(one.received), ReduceOp::sum)->wait();
  add(one.block, one.received);
}

void ShardedGradients::add(std::size_t block, const at::Tensor& received) {
  if (tree_ && !of_micro_batch_.defined()) of_micro_batch_ = at::zeros_like(sum_);
  const Range range = layout_.blocks[block].range;
  const Range mine = sharding_.shards_state() ? sharding_.shard(range) : range;
  if (!mine.empty())
    (tree_ ? of_micro_batch_ : sum_)
        .narrow(0, owned_.place(mine.begin), mine.length())
        .add_(received.narrow(0, 0, mine.length()));
  if (tree_ && block == 0) push(std::move(of_micro_batch_));
}

// A binary counter: subtrees of 2^level micro-batches, of which two of a kind become one of the next.
void ShardedGradients::push(at::Tensor sum_of_bins) {
  for (std::size_t level = 0;; ++level) {
    if (level == subtrees_.size()) subtrees_.emplace_back();
    if (!subtrees_[level].defined()) return void(subtrees_[level] = std::move(sum_of_bins));
    sum_of_bins = subtrees_[level].add_(sum_of_bins);
    subtrees_[level].reset();
  }
}

void ShardedGradients::finish() {
  while (!under_way_.empty()) complete_oldest();
  if (!tree_) return;
  bool first = true;  // a power of two of micro-batches leaves one subtree
  for (const at::Tensor& subtree : subtrees_) {
    if (!subtree.defined()) continue;
    HONE_CHECK(first);
    sum_.copy_(subtree);
    first = false;
  }
}

double ShardedGradients::norm() const {
  if (tree_) return chunk_sums_norm();
  double sum = square_sum(sum_);
  if (sharding_.shards_state())
    sharding_.communicator->all_reduce({&sum, 1, CommType::f64}, ReduceOp::sum)->wait();
  return std::sqrt(sum);
}

// Chunk by chunk of every block, added up in arena order: what a rank does not own is zero, which adds
// exactly.
double ShardedGradients::chunk_sums_norm() const {
  std::vector<double> sums;
  for (const BlockRange& block : layout_.blocks) {
    const Range mine = sharding_.shards_state() ? sharding_.shard(block.range) : block.range;
    const std::size_t first = sums.size();
    sums.resize(first + static_cast<std::size_t>(chunks_of(block.range)));
    const float* values = sum_.const_data_ptr<float>() + (mine.empty() ? 0 : owned_.place(mine.begin));
    for (std::int64_t at = mine.begin; at < mine.end; at += kTreeGranule)
      sums[first + static_cast<std::size_t>((at - block.range.begin) / kTreeGranule)] = square_sum(
          {values + (at - mine.begin), static_cast<std::size_t>(std::min(kTreeGranule, mine.end - at))});
  }
  if (sharding_.shards_state())
    sharding_.communicator->all_reduce({sums.data(), std::ssize(sums), CommType::f64}, ReduceOp::sum)->wait();
  double sum = 0;
  for (const double chunk : sums) sum += chunk;
  return std::sqrt(sum);
}

std::int64_t ShardedGradients::bytes() const {
  std::int64_t all = 0, largest = 0;
  for (const BlockRange& block : layout_.blocks) {
    const std::int64_t padded = sharding_.part(block.range) * sharding_.world_size();
    all += padded;
    largest = std::max(largest, padded);
  }
  const std::int64_t staged = every_micro_batch_ ? static_cast<std::int64_t>(kUnderWay) * largest : all;
  const std::int64_t subtrees = std::ssize(subtrees_) * sum_.numel();
  return StepGradients::bytes() + (staged + subtrees) * std::int64_t{sizeof(float)};
}

std::string ShardedGradients::first_not_finite() const {
  std::int64_t first = first_bad_parameter();
  sharding_.communicator->all_reduce({&first, 1, CommType::i64}, ReduceOp::min)->wait();
  return first < std::ssize(layout_.parameters) ? layout_.parameters[static_cast<std::size_t>(first)].name
                                                : "";
}

}  // namespace hone::train
