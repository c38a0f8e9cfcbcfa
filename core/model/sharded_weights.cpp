#include "core/model/sharded_weights.h"

#include <ATen/ATen.h>

#include "core/train/shard_plan.h"

namespace hone::model {
namespace {

constexpr std::int64_t kAlignment = 16;  // of each tensor, in bytes

}  // namespace

ShardedWeights::ShardedWeights(const std::vector<std::shared_ptr<nn::Weight>>& weights,
                               Communicator& communicator, at::Device device) {
  std::vector<at::Tensor*> tensors;
  for (const auto& weight : weights)
    for (at::Tensor* tensor : weight->storage()) tensors.push_back(tensor);
  std::int64_t total = 0;
  for (const at::Tensor* tensor : tensors)
    total += round_up(static_cast<std::int64_t>(tensor->nbytes()), kAlignment);
  const int world = communicator.world_size();
  const std::int64_t part = part_of_bytes(total, world);
  whole_ = std::make_unique<GatheredBytes>(part, communicator, device);
  const at::Tensor all = at::zeros({world * part}, at::TensorOptions().dtype(at::kByte).device(device));
  std::int64_t begin = 0;
  for (at::Tensor* tensor : tensors) {
    const auto bytes = static_cast<std::int64_t>(tensor->nbytes());
    const auto in = [&](const at::Tensor& buffer) {
      return buffer.narrow(0, begin, bytes).view(tensor->scalar_type()).view(tensor->sizes());
    };
    in(all).copy_(*tensor);
    *tensor = in(whole_->whole());
    begin += round_up(bytes, kAlignment);
  }
  whole_->release();
  own_ = all.narrow(0, communicator.rank() * part, part).clone();
}

}  // namespace hone::model
