#include "core/train/gradients.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "core/nn/cpu_math.h"

namespace hone::train {

ArenaGradients::ArenaGradients(const ArenaLayout& layout) : layout_(layout), flat_(at::zeros({layout.size}, at::kFloat)) {}

void ArenaGradients::zero() { flat_.zero_(); }

std::span<float> ArenaGradients::flat() { return {flat_.mutable_data_ptr<float>(), static_cast<std::size_t>(layout_.size)}; }

at::Tensor ArenaGradients::gradient(std::size_t parameter) {
  const ParameterSlice& slice = layout_.parameters[parameter];
  return flat_.narrow(0, slice.range.begin, slice.range.length()).view(slice.shape);
}

void ArenaGradients::block_final(std::size_t block) {
  if (reduction_) reduction_->block_final(block);
}

double global_norm(std::span<const float> values) {
  constexpr std::size_t kChunk = 4096;
  double sum = 0;
  for (std::size_t begin = 0; begin < values.size(); begin += kChunk) {
    const auto n = static_cast<std::int64_t>(std::min(kChunk, values.size() - begin));
    sum += nn::dot(&values[begin], &values[begin], n);
  }
  return std::sqrt(sum);
}

std::string first_not_finite(const ArenaLayout& layout, std::span<const float> values) {
  for (const ParameterSlice& slice : layout.parameters) {
    const auto part = values.subspan(slice.range.begin, slice.range.length());
    if (!std::all_of(part.begin(), part.end(), [](float v) { return std::isfinite(v); })) return slice.name;
  }
  return {};
}

}  // namespace hone::train
