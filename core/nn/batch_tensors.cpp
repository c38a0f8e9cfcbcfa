#include "core/nn/batch_tensors.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "core/base/error.h"
#include "core/device/upload.h"

namespace hone::nn {
namespace {

at::Tensor over(const std::vector<std::int32_t>& values) {
  return at::from_blob(const_cast<std::int32_t*>(values.data()), {static_cast<std::int64_t>(values.size())},
                       at::kInt);
}

// The host's part, from what is on the device.
void read_back(BatchTensors& out) {
  const at::Tensor cu = out.on_device.cu_seqlens.cpu(), sample = out.on_device.sample.cpu(),
                   slot = out.on_device.slot.cpu();
  const auto* begins = cu.const_data_ptr<std::int32_t>();
  out.cu_seqlens.assign(begins, begins + cu.numel());
  for (std::int64_t s = 0; s + 1 < cu.numel(); ++s) {
    const bool empty = begins[s] == begins[s + 1];
    out.sample.push_back(empty ? 0 : sample.const_data_ptr<std::int32_t>()[begins[s]]);
    out.slot.push_back(empty ? 0 : slot.const_data_ptr<std::int32_t>()[begins[s]]);
  }
  out.epoch = out.on_device.epoch.item<std::int64_t>();
}

void append_for_each_token(const TokenBatch& batch, std::vector<std::int32_t>& words, auto&& value) {
  for (std::int64_t s = 0; s < batch.sequence_count(); ++s)
    for (std::int32_t t = batch.cu_seqlens[s]; t < batch.cu_seqlens[s + 1]; ++t) words.push_back(value(s, t));
}

void refuse_prefixes(const TokenBatch& batch) {
  for (const std::int32_t prefix : batch.prefix)
    if (prefix >= 0)
      throw Error(Exit::usage, "MD011", "shared prefixes are not built", "model",
                  "a sequence continues another one");
}

}  // namespace

BatchShape shape_of(const TokenBatch& batch) {
  BatchShape shape{batch.token_count(), batch.sequence_count(), 0};
  for (std::int64_t s = 0; s < shape.sequences; ++s)
    shape.longest = std::max<std::int64_t>(shape.longest, batch.cu_seqlens[s + 1] - batch.cu_seqlens[s]);
  return shape;
}

std::vector<std::int32_t> pack(const TokenBatch& batch) {
  refuse_prefixes(batch);
  std::vector<std::int32_t> words;
  words.reserve(shape_of(batch).words());
  const auto epoch = static_cast<std::uint64_t>(batch.epoch);
  words = {static_cast<std::int32_t>(epoch), static_cast<std::int32_t>(epoch >> 32)};
  words.insert(words.end(), batch.tokens.begin(), batch.tokens.end());
  words.insert(words.end(), batch.positions.begin(), batch.positions.end());
  append_for_each_token(batch, words,
                        [&](auto s, auto) { return static_cast<std::int32_t>(batch.sample[s]); });
  append_for_each_token(batch, words, [&](auto s, auto) { return batch.slot[s]; });
  append_for_each_token(batch, words, [&](auto s, auto t) { return t - batch.cu_seqlens[s]; });
  words.insert(words.end(), batch.cu_seqlens.begin(), batch.cu_seqlens.end());
  return words;
}

BatchTensors unpack(const at::Tensor& words, const BatchShape& shape) {
  std::int64_t at = 0;
  const auto next = [&](std::int64_t count) { return words.narrow(0, std::exchange(at, at + count), count); };
  BatchTensors out;
  out.on_device.epoch = next(2).view(at::kLong);
  out.tokens = next(shape.tokens).to(at::kLong);
  out.positions = next(shape.tokens).to(at::kLong);
  out.on_device.sample = next(shape.tokens);
  out.on_device.slot = next(shape.tokens);
  out.on_device.place = next(shape.tokens);
  out.on_device.cu_seqlens = next(shape.sequences + 1);
  out.on_device.longest = shape.longest;
  if (!words.is_cuda()) read_back(out);
  return out;
}

BatchTensors to_tensors(const TokenBatch& batch, at::Device device) {
  BatchTensors out;
  if (device.is_cpu()) {
    refuse_prefixes(batch);
    out.tokens = over(batch.tokens).to(at::kLong);
    out.positions = over(batch.positions).to(at::kLong);
  } else {
    out = unpack(device::upload(pack(batch), device), shape_of(batch));
  }
  out.cu_seqlens = {batch.cu_seqlens.begin(), batch.cu_seqlens.end()};
  out.sample = batch.sample;
  out.slot = batch.slot;
  out.epoch = batch.epoch;
  return out;
}

}  // namespace hone::nn
