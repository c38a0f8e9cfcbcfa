#pragma once
// The gradient of one step: the GradientSink of its micro-batches, then the sum over them and over ranks, of
// which a rank keeps all or, under ZeRO, its shards.
#include <ATen/core/Tensor.h>

#include <functional>
#include <span>

#include "core/ports/communicator.h"
#include "core/ports/gradient_reduction.h"
#include "core/ports/gradient_sink.h"
#include "core/train/shard_plan.h"

namespace hone::train {

// All ranks make the same calls: begin_step, for each micro-batch begin_micro_batch and end_micro_batch,
// finish; then what looks at the sum.
class StepGradients : public GradientSink {
 public:
  virtual void begin_step() = 0;
  virtual void begin_micro_batch(bool last) = 0;
  virtual void end_micro_batch() {}
  virtual void finish() = 0;

  // fp32 in the device's memory: what owned() says, one range after the other.
  const at::Tensor& sum() const { return sum_; }
  const OwnedShards& owned() const { return owned_; }
  virtual double norm() const = 0;  // L2, of all ranks' shards
  void scale(float factor);
  virtual std::int64_t bytes() const {
    return static_cast<std::int64_t>(sum_.nbytes());
  }  // the most held at once
  virtual std::string first_not_finite()
      const;  // the first parameter with a value that is not finite; empty: none

 protected:
  StepGradients(const ArenaLayout& layout, OwnedShards owned, at::Device device);
  std::int64_t first_bad_parameter() const;  // of the owned ones; the number of parameters: none

  const ArenaLayout& layout_;
  OwnedShards owned_;
  at::Tensor sum_;
};

// A flat buffer laid out like the parameters, whole on every rank. On the last micro-batch a final block is
// handed on to the reduction over ranks.
class ArenaGradients final : public StepGradients {
 public:
  explicit ArenaGradients(const ArenaLayout& layout, at::Device device = at::kCPU);
  // Null: one rank. It outlives the steps.
  void set_reduction(GradientReduction* reduction) { reduction_ = reduction; }
  std::span<float> flat();  // in the device's memory

  void begin_step() override { sum_.zero_(); }
  void begin_micro_batch(bool last) override { last_ = last; }
  void finish() override;
  double norm() const override;  // by fixed-size chunks: the same bits whatever the number of threads
  at::Tensor gradient(std::size_t parameter) override;
  void block_final(std::size_t block) override;

 private:
  GradientReduction* reduction_ = nullptr;
  bool last_ = false;
};

// Of values in host memory, by chunks of kNormChunk.
double square_sum(std::span<const float> values);
double square_sum(const at::Tensor& values);  // fp32, flat, on any device
double global_norm(std::span<const float> values);

}  // namespace hone::train
