#include "core/model/arena.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <deque>

#include "core/base/error.h"
#include "core/model/comm_buffer.h"

namespace hone::model {

void Arena::allocate(ArenaLayout layout, at::ScalarType compute, at::ScalarType master, at::Device device,
                     Sharding sharding) {
  layout_ = std::move(layout);
  sharding_ = sharding;
  owned_ = sharding_.owned(layout_);
  compute_ = compute;
  device_ = device;
  const auto zeros = [&](std::int64_t size, at::ScalarType type) {
    return at::zeros({size}, at::TensorOptions().dtype(type).device(device));
  };
  const bool in_place = compute == master && !sharding_.shards_weights();
  master_ = zeros(in_place ? layout_.size : owned_.size(), master);
  if (!sharding_.shards_weights()) views_ = in_place ? master_ : zeros(layout_.size, compute);
  block_of_ = blocks_of_parameters(layout_);
  if (!sharding_.shards_weights()) return;
  for (const BlockRange& block : layout_.blocks) {
    gathered_.emplace_back(sharding_.part(block.range) * static_cast<std::int64_t>(c10::elementSize(compute)),
                           *sharding_.communicator, device);
    gathered_.back().release();
  }
}

StateType Arena::type() const {
  return master_.scalar_type() == at::kFloat ? StateType::f32 : StateType::bf16;
}

at::Tensor Arena::owned_part(std::size_t range) const {
  const Range& owned = owned_.ranges()[range];
  return master_.narrow(0, in_place() ? owned.begin : owned_.place(owned.begin), owned.length());
}

void* Arena::owned_weights(std::size_t i) const { return owned_part(i).mutable_data_ptr(); }

std::span<float> Arena::master() {
  HONE_CHECK(master_.numel() == layout_.size);
  return {master_.mutable_data_ptr<float>(), static_cast<std::size_t>(layout_.size)};
}

std::span<float> Arena::master(std::size_t parameter) {
  const Range range = layout_.parameters[parameter].range;
  return master().subspan(range.begin, range.length());
}

at::Tensor Arena::view(std::size_t parameter) const {
  const ParameterSlice& slice = layout_.parameters[parameter];
  if (views_.defined()) return views_.narrow(0, slice.range.begin, slice.range.length()).view(slice.shape);
  const std::size_t block = block_of_[parameter];
  HONE_CHECK(gathered_[block].started());
  return gathered_[block]
      .whole()
      .view(compute_)
      .narrow(0, slice.range.begin - layout_.blocks[block].range.begin, slice.range.length())
      .view(slice.shape);
}

// This rank's shard of a block as it goes through a collective: padded to the part's size.
at::Tensor Arena::send_part(std::size_t block, at::ScalarType type) const {
  const Range range = layout_.blocks[block].range, mine = sharding_.shard(range);
  const at::Tensor part = at::zeros({sharding_.part(range)}, master_.options().dtype(type));
  if (!mine.empty()) {
    const std::int64_t place = in_place() ? mine.begin : owned_.place(mine.begin);
    part.narrow(0, 0, mine.length()).copy_(master_.narrow(0, place, mine.length()));
  }
  return part;
}

template <class Visit>
void Arena::for_gathered(at::ScalarType type, Visit&& visit) const {
  struct UnderWay {
    Range block;
    at::Tensor own, whole;
    WorkPtr work;
  };
  std::deque<UnderWay> under_way;  // the next block's is, while one is visited
  const auto visit_oldest = [&] {
    under_way.front().work->wait();
    const UnderWay one = std::move(under_way.front());
    under_way.pop_front();
    visit(one.block, one.whole.narrow(0, 0, one.block.length()));
  };
  for (std::size_t b = 0; b < layout_.blocks.size(); ++b) {
    UnderWay one{layout_.blocks[b].range, send_part(b, type), {}, nullptr};
    one.whole = at::empty({one.own.numel() * sharding_.world_size()}, one.own.options());
    one.work = sharding_.communicator->all_gather(bytes_of(one.own), bytes_of(one.whole));
    under_way.push_back(std::move(one));
    if (under_way.size() == 2) visit_oldest();
  }
  while (!under_way.empty()) visit_oldest();
}

void Arena::publish() {
  if (!sharding_.shards_state()) {
    if (!in_place()) views_.copy_(master_);
  } else if (!sharding_.shards_weights()) {
    for_gathered(compute_, [&](Range block, const at::Tensor& values) {
      views_.narrow(0, block.begin, block.length()).copy_(values);
    });
  }
  for (GatheredBytes& block : gathered_) block.release();  // of the weights before
}

void Arena::set(std::size_t parameter, std::span<const float> values) {
  const Range range = layout_.parameters[parameter].range;
  HONE_CHECK(std::ssize(values) == range.length());
  const at::Tensor host = at::from_blob(const_cast<float*>(values.data()), {range.length()}, at::kFloat);
  if (views_.defined()) views_.narrow(0, range.begin, range.length()).copy_(host);
  if (in_place()) return;
  for (std::size_t i = 0; i < owned_.ranges().size(); ++i) {
    const Range& owned = owned_.ranges()[i];
    const Range both{std::max(owned.begin, range.begin), std::min(owned.end, range.end)};
    if (!both.empty())
      owned_part(i)
          .narrow(0, both.begin - owned.begin, both.length())
          .copy_(host.narrow(0, both.begin - range.begin, both.length()));
  }
}

at::Tensor Arena::on_host(bool keep) const {
  if (master_.numel() == layout_.size && (in_place() || !sharding_.shards_state()))
    return master_.cpu().to(at::kFloat);
  at::Tensor host = keep ? at::empty({layout_.size}, at::kFloat) : at::Tensor();
  for_gathered(master_.scalar_type(), [&](Range block, const at::Tensor& values) {
    if (keep) host.narrow(0, block.begin, block.length()).copy_(values);
  });
  return host;
}

void Arena::restore(const at::Tensor& host) {
  for (std::size_t i = 0; i < owned_.ranges().size(); ++i) {
    const Range& owned = owned_.ranges()[i];
    const at::Tensor from = host.narrow(0, owned.begin, owned.length()), to = owned_part(i);
    if (from.data_ptr() != to.data_ptr()) to.copy_(from);
  }
  if (views_.defined() && views_.data_ptr() != host.data_ptr()) views_.copy_(host);
  for (GatheredBytes& block : gathered_) block.release();
}

at::Tensor Arena::owned_on_host() const {
  if (!sharding_.shards_state() || !in_place()) return master_.cpu().to(at::kFloat);
  at::Tensor host = at::empty({owned_.size()}, at::kFloat);
  for (std::size_t i = 0; i < owned_.ranges().size(); ++i)
    host.narrow(0, owned_.place(owned_.ranges()[i].begin), owned_.ranges()[i].length()).copy_(owned_part(i));
  return host;
}

void Arena::restore_owned(const at::Tensor& host) {
  for (std::size_t i = 0; i < owned_.ranges().size(); ++i) {
    const Range& owned = owned_.ranges()[i];
    const at::Tensor from = host.narrow(0, owned_.place(owned.begin), owned.length()), to = owned_part(i);
    if (from.data_ptr() != to.data_ptr()) to.copy_(from);
  }
  publish();
}

std::span<float> Arena::part(const at::Tensor& host, std::size_t parameter) const {
  const Range range = layout_.parameters[parameter].range;
  return {host.mutable_data_ptr<float>() + range.begin, static_cast<std::size_t>(range.length())};
}

std::int64_t Arena::bytes() const {
  return static_cast<std::int64_t>(master_.nbytes() +
                                   (in_place() || !views_.defined() ? 0 : views_.nbytes()));
}

void Arena::start_gather(std::size_t block) {
  if (sharding_.shards_weights() && !gathered_[block].started())
    gathered_[block].start(send_part(block, compute_).view(at::kByte));
}

void Arena::wait_for(std::size_t block) {
  if (sharding_.shards_weights()) gathered_[block].wait();
}

void Arena::release(std::size_t block) {
  if (sharding_.shards_weights()) gathered_[block].release();
}

std::int64_t Arena::parameter_count() const {
  std::int64_t count = 0;
  for (const ParameterSlice& slice : layout_.parameters) count += slice.range.length();
  return count;
}

}  // namespace hone::model
