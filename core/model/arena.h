#pragma once
// All trainable parameters in one flat, aligned master (docs/architecture.md), with a compute-dtype view that operators
// read. The master is fp32, or bf16 where model.master_dtype asks for that; where it has the compute type, the view is
// the master itself.
#include <ATen/core/Tensor.h>

#include <memory>
#include <span>

#include "core/nn/weight.h"
#include "core/ports/state_tensor.h"
#include "core/train/shard_plan.h"

namespace hone::model {

class Arena {
 public:
  void allocate(ArenaLayout layout, at::ScalarType compute, at::ScalarType master = at::kFloat,
                at::Device device = at::kCPU);
  const ArenaLayout& layout() const { return layout_; }
  at::Device device() const { return master_.device(); }
  StateTensor weights();                         // the master, as an optimizer moves it; in the device's memory
  std::span<float> master();                     // [size], of an fp32 master; in the device's memory
  std::span<float> master(std::size_t parameter);
  at::Tensor view(std::size_t parameter) const;  // compute dtype, in the parameter's shape
  void publish();                                // master -> views, after an optimizer step
  // The master as fp32 values in host memory, [size]: itself where it is fp32 on a CPU. `restore` takes them back and
  // publishes.
  at::Tensor on_host() const;
  void restore(const at::Tensor& host);
  std::span<float> part(const at::Tensor& host, std::size_t parameter) const;  // of on_host()
  std::int64_t bytes() const;                    // of master and views
  std::int64_t parameter_count() const;          // elements, padding not counted

 private:
  ArenaLayout layout_;
  at::Tensor master_, views_;
};

class ArenaWeight final : public nn::Weight {
 public:
  ArenaWeight(std::shared_ptr<const Arena> arena, std::size_t index, std::vector<std::int64_t> shape)
      : arena_(std::move(arena)), index_(index), shape_(std::move(shape)) {}
  at::Tensor acquire() const override { return arena_->view(index_); }
  std::optional<std::size_t> parameter() const override { return index_; }
  at::IntArrayRef shape() const override { return shape_; }
  std::int64_t bytes() const override { return 0; }  // counted with the arena

 private:
  std::shared_ptr<const Arena> arena_;
  std::size_t index_;
  std::vector<std::int64_t> shape_;
};

}  // namespace hone::model
