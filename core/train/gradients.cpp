#include "core/train/gradients.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "core/device/device.h"
#include "core/nn/cpu_math.h"
#include "core/train/gradients_cuda.h"

namespace hone::train {

namespace {

std::span<const float> host_values(const at::Tensor& host) {
  return {host.const_data_ptr<float>(), static_cast<std::size_t>(host.numel())};
}

}  // namespace

ArenaGradients::ArenaGradients(const ArenaLayout& layout, at::Device device)
    : layout_(layout), flat_(device::zeros(layout.size, device)) {}

void ArenaGradients::zero() { flat_.zero_(); }

std::span<float> ArenaGradients::flat() { return {flat_.mutable_data_ptr<float>(), static_cast<std::size_t>(layout_.size)}; }

at::Tensor ArenaGradients::gradient(std::size_t parameter) {
  const ParameterSlice& slice = layout_.parameters[parameter];
  return flat_.narrow(0, slice.range.begin, slice.range.length()).view(slice.shape);
}

void ArenaGradients::block_final(std::size_t block) {
  if (reduction_) reduction_->block_final(block);
}

double ArenaGradients::norm() const {
  if (!flat_.is_cuda()) return global_norm(host_values(flat_.cpu()));
  const std::int64_t chunks = (flat_.numel() + kNormChunk - 1) / kNormChunk;
  at::Tensor sums =
      at::empty({chunks + 1}, flat_.options().dtype(at::kDouble));  // the chunks', then the norm
  double* data = sums.mutable_data_ptr<double>();
  global_norm_cuda(flat_.const_data_ptr<float>(), flat_.numel(), data, data + chunks,
                   device::stream_on(flat_.device()));
  return sums[chunks].item<double>();
}

void ArenaGradients::scale(float factor) {
  if (flat_.is_cpu()) return nn::scale(flat_.mutable_data_ptr<float>(), factor, flat_.numel());
  if (!flat_.is_cuda()) return void(flat_.mul_(factor));
  scale_cuda(flat_.mutable_data_ptr<float>(), flat_.numel(), factor, device::stream_on(flat_.device()));
}

std::string ArenaGradients::first_not_finite() const {
  return train::first_not_finite(layout_, host_values(flat_.cpu()));
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
