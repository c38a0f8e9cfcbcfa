#pragma once
// ZeRO stage 3 for what is frozen: the weights of one segment of a model (embedding, a block, head), each
// rank keeping a part of their bytes, whatever they are (dense or NF4).
#include <memory>
#include <vector>

#include "core/model/gathered.h"
#include "core/nn/weight.h"

namespace hone::model {

class ShardedWeights {
 public:
  // Takes over the values of the weights, which from now on are there between wait() and release() only. All
  // ranks bring the same weights.
  ShardedWeights(const std::vector<std::shared_ptr<nn::Weight>>& weights, Communicator& communicator,
                 at::Device device);

  void start() {
    if (own_.numel() > 0) whole_->start(own_);
  }
  void wait() { whole_->wait(); }
  void release() { whole_->release(); }
  std::int64_t bytes() const { return own_.numel(); }  // kept here

 private:
  at::Tensor own_;  // u8
  std::unique_ptr<GatheredBytes> whole_;
};

}  // namespace hone::model
