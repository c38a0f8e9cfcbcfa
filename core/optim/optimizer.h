#pragma once
// Moves the master weights. An optimizer sees flat ranges of the arena and nothing of models or ranks; its state is
// named flat tensors laid out like the arena, so that sharding and checkpoints are arithmetic on ranges.
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/optim/optim_options.h"
#include "core/train/shard_plan.h"

namespace hone::optim {

struct StateTensor {
  std::string name;       // e.g. exp_avg
  std::span<float> data;  // one element per element of the arena
};

class Optimizer {
 public:
  virtual ~Optimizer() = default;
  // One update of `range`: weights and gradient are the whole arena's, `step` counts from 1. Ranges of one step are
  // disjoint and may come in any order.
  virtual void update(Range range, std::span<float> weights, std::span<const float> gradient, std::int64_t step,
                      double lr) = 0;
  virtual std::vector<StateTensor> state() = 0;
  virtual std::int64_t granule() const = 0;  // shard boundaries must be multiples of it
};
using OptimizerPtr = std::unique_ptr<Optimizer>;

// The registry of optimizers.
OptimizerPtr make_optimizer(const OptimOptions& options, const ArenaLayout& layout);

// The learning rate an unset optim.lr stands for.
double effective_lr(const OptimOptions& options, bool adapter);

}  // namespace hone::optim
