#pragma once
// All trainable parameters in one flat, aligned master (docs/architecture.md), with a compute-dtype view that
// operators read. The master is fp32, or bf16 where model.master_dtype asks for that; where it has the
// compute type, the view is the master itself. Under ZeRO a rank keeps the master of its own shards (from
// stage 1 on, where the view is another tensor) and the views of blocks under way only (stage 3).
#include <ATen/core/Tensor.h>

#include <memory>
#include <span>

#include "core/model/gathered.h"
#include "core/model/sharding.h"
#include "core/nn/weight.h"
#include "core/ports/state_tensor.h"
#include "core/train/shard_plan.h"

namespace hone::model {

class Arena {
 public:
  void allocate(ArenaLayout layout, at::ScalarType compute, at::ScalarType master = at::kFloat,
                at::Device device = at::kCPU, Sharding sharding = {});
  const ArenaLayout& layout() const { return layout_; }
  const Sharding& sharding() const { return sharding_; }
  const OwnedShards& owned() const { return owned_; }
  at::Device device() const { return device_; }
  StateType type() const;  // of the master
  void* owned_weights(
      std::size_t i) const;   // of owned().ranges()[i], as an optimizer moves them; device memory
  std::span<float> master();  // [size], of a whole fp32 master; in the device's memory
  std::span<float> master(std::size_t parameter);
  at::Tensor view(std::size_t parameter) const;  // compute dtype, in the parameter's shape
  // After an optimizer step: master -> views, everybody's. All ranks.
  void publish();
  void set(std::size_t parameter, std::span<const float> values);  // a start value; no publish needed

  // The master as fp32 values in host memory, [size]: itself where it is whole fp32 on a CPU. All ranks where
  // it is sharded, of which those that do not `keep` it get nothing; `restore` is each rank's own.
  at::Tensor on_host(bool keep = true) const;
  void restore(const at::Tensor& host);
  // The same of the owned shards, [owned().size()]. `restore_owned` publishes: all ranks.
  at::Tensor owned_on_host() const;
  void restore_owned(const at::Tensor& host);
  std::span<float> part(const at::Tensor& host, std::size_t parameter) const;  // of on_host()
  std::int64_t bytes() const;                                                  // of master and views
  std::int64_t parameter_count() const;  // elements, padding not counted

  // Stage 3: the views of a block are there from wait_for() to release(). Nothing elsewhere. All ranks.
  void start_gather(std::size_t block);
  void wait_for(std::size_t block);
  void release(std::size_t block);

 private:
  bool in_place() const { return views_.defined() && views_.is_same(master_); }
  at::Tensor owned_part(std::size_t range) const;  // of the master
  at::Tensor send_part(std::size_t block, at::ScalarType type) const;
  // visit(block, gathered values): every block's master, as `type`, from all ranks.
  template <class Visit>
  void for_gathered(at::ScalarType type, Visit&& visit) const;

  ArenaLayout layout_;
  Sharding sharding_;
  OwnedShards owned_{{}};
  at::ScalarType compute_ = at::kFloat;
  at::Device device_ = at::kCPU;
  at::Tensor master_, views_;            // the same one where the types are and the views are whole
  std::vector<std::size_t> block_of_;    // by parameter
  std::vector<GatheredBytes> gathered_;  // stage 3: the views, by block
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
