#include "core/model/arena.h"

#include <ATen/ATen.h>

namespace hone::model {

void Arena::allocate(ArenaLayout layout, at::ScalarType compute, at::ScalarType master, at::Device device) {
  layout_ = std::move(layout);
  master_ = at::zeros({layout_.size}, at::TensorOptions().dtype(master).device(device));
  views_ = compute == master ? master_ : at::zeros({layout_.size}, master_.options().dtype(compute));
}

StateTensor Arena::weights() {
  const StateType type = master_.scalar_type() == at::kFloat ? StateType::f32 : StateType::bf16;
  return {StateSpec{"master", type, 1, layout_.size}, master_.mutable_data_ptr()};
}

std::span<float> Arena::master() { return {master_.mutable_data_ptr<float>(), static_cast<std::size_t>(layout_.size)}; }

std::span<float> Arena::master(std::size_t parameter) {
  const Range range = layout_.parameters[parameter].range;
  return master().subspan(range.begin, range.length());
}

at::Tensor Arena::view(std::size_t parameter) const {
  const ParameterSlice& slice = layout_.parameters[parameter];
  return views_.narrow(0, slice.range.begin, slice.range.length()).view(slice.shape);
}

void Arena::publish() {
  if (!views_.is_same(master_)) views_.copy_(master_);
}

at::Tensor Arena::on_host() const { return master_.cpu().to(at::kFloat); }

void Arena::restore(const at::Tensor& host) {
  if (!host.is_same(master_)) master_.copy_(host);
  publish();
}

std::span<float> Arena::part(const at::Tensor& host, std::size_t parameter) const {
  const Range range = layout_.parameters[parameter].range;
  return {host.mutable_data_ptr<float>() + range.begin, static_cast<std::size_t>(range.length())};
}

std::int64_t Arena::bytes() const {
  return static_cast<std::int64_t>(master_.nbytes() + (views_.is_same(master_) ? 0 : views_.nbytes()));
}

std::int64_t Arena::parameter_count() const {
  std::int64_t count = 0;
  for (const ParameterSlice& slice : layout_.parameters) count += slice.range.length();
  return count;
}

}  // namespace hone::model
