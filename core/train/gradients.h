#pragma once
// The gradient arena: a flat fp32 buffer laid out like the parameters, the GradientSink of a step. On the last
// micro-batch a final block is handed on to the reduction over ranks.
#include <ATen/core/Tensor.h>

#include <functional>
#include <span>

#include "core/ports/gradient_reduction.h"
#include "core/ports/gradient_sink.h"
#include "core/train/shard_plan.h"

namespace hone::train {

class ArenaGradients final : public GradientSink {
 public:
  explicit ArenaGradients(const ArenaLayout& layout, at::Device device = at::kCPU);
  void zero();
  std::span<float> flat();  // in the device's memory
  double norm() const;      // L2, by fixed-size chunks: the same bits whatever the number of threads
  void scale(float factor);
  std::string first_not_finite() const;  // the first parameter with a value that is not finite; empty: none
  void set_last_micro_batch(GradientReduction* reduction) {
    reduction_ = reduction;
  }  // null: more will follow

  at::Tensor gradient(std::size_t parameter) override;
  void block_final(std::size_t block) override;

 private:
  const ArenaLayout& layout_;
  at::Tensor flat_;
  GradientReduction* reduction_ = nullptr;
};

// Of values in host memory.
double global_norm(std::span<const float> values);
std::string first_not_finite(const ArenaLayout& layout, std::span<const float> values);

}  // namespace hone::train
