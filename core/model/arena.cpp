#include "core/model/arena.h"

#include <ATen/ATen.h>

namespace hone::model {

void Arena::allocate(ArenaLayout layout, at::ScalarType compute) {
  layout_ = std::move(layout);
  master_ = at::zeros({layout_.size}, at::kFloat);
  views_ = compute == at::kFloat ? master_ : at::zeros({layout_.size}, compute);
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

std::int64_t Arena::parameter_count() const {
  std::int64_t count = 0;
  for (const ParameterSlice& slice : layout_.parameters) count += slice.range.length();
  return count;
}

}  // namespace hone::model
