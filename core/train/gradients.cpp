#include "core/train/gradients.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "core/device/device.h"
#include "core/nn/cpu_math.h"
#include "core/train/gradients_cuda.h"

namespace hone::train {

StepGradients::StepGradients(const ArenaLayout& layout, OwnedShards owned, at::Device device)
    : layout_(layout), owned_(std::move(owned)), sum_(device::zeros(owned_.size(), device)) {}

void StepGradients::scale(float factor) {
  if (sum_.is_cpu()) return nn::scale(sum_.mutable_data_ptr<float>(), factor, sum_.numel());
  if (!sum_.is_cuda()) return void(sum_.mul_(factor));
  scale_cuda(sum_.mutable_data_ptr<float>(), sum_.numel(), factor, device::stream_on(sum_.device()));
}

std::int64_t StepGradients::first_bad_parameter() const {
  const at::Tensor host = sum_.cpu();
  const float* values = host.const_data_ptr<float>();
  const auto bad = [&](Range range) {
    const float* begin = values + owned_.place(range.begin);
    return !std::all_of(begin, begin + range.length(), [](float v) { return std::isfinite(v); });
  };
  const auto count = std::ssize(layout_.parameters);
  for (std::int64_t p = 0; p < count; ++p)
    for (const Range& owned : owned_.ranges()) {
      const Range& whole = layout_.parameters[static_cast<std::size_t>(p)].range;
      const Range part{std::max(owned.begin, whole.begin), std::min(owned.end, whole.end)};
      if (!part.empty() && bad(part)) return p;
    }
  return count;
}

std::string StepGradients::first_not_finite() const {
  const std::int64_t first = first_bad_parameter();
  return first < std::ssize(layout_.parameters) ? layout_.parameters[static_cast<std::size_t>(first)].name
                                                : "";
}

ArenaGradients::ArenaGradients(const ArenaLayout& layout, at::Device device)
    : StepGradients(layout, OwnedShards::everything(layout), device) {}

std::span<float> ArenaGradients::flat() {
  return {sum_.mutable_data_ptr<float>(), static_cast<std::size_t>(layout_.size)};
}

void ArenaGradients::finish() {
  if (reduction_) reduction_->finish();
}

at::Tensor ArenaGradients::gradient(std::size_t parameter) {
  const ParameterSlice& slice = layout_.parameters[parameter];
  return sum_.narrow(0, slice.range.begin, slice.range.length()).view(slice.shape);
}

void ArenaGradients::block_final(std::size_t block) {
  if (last_ && reduction_) reduction_->block_final(block);
}

double ArenaGradients::norm() const { return std::sqrt(square_sum(sum_)); }

double square_sum(const at::Tensor& values) {
  if (!values.is_cuda()) {
    const at::Tensor host = values.cpu();
    return square_sum(std::span(host.const_data_ptr<float>(), static_cast<std::size_t>(host.numel())));
  }
  const std::int64_t chunks = (values.numel() + kNormChunk - 1) / kNormChunk;
  at::Tensor sums =
      at::empty({chunks + 1}, values.options().dtype(at::kDouble));  // the chunks', then their norm
  double* data = sums.mutable_data_ptr<double>();
  global_norm_cuda(values.const_data_ptr<float>(), values.numel(), data, data + chunks,
                   device::stream_on(values.device()));
  return sums.narrow(0, 0, chunks).sum().item<double>();
}

double square_sum(std::span<const float> values) {
  double sum = 0;
  for (std::size_t begin = 0; begin < values.size(); begin += kNormChunk) {
    const auto n = static_cast<std::int64_t>(std::min<std::size_t>(kNormChunk, values.size() - begin));
    sum += nn::dot(&values[begin], &values[begin], n);
  }
  return sum;
}

double global_norm(std::span<const float> values) { return std::sqrt(square_sum(values)); }

}  // namespace hone::train
