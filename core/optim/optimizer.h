#pragma once
// Moves the trained weights. An optimizer sees flat ranges of the arena and nothing of models or ranks; its
// state is flat tensors that say how they lie beside the arena (core/ports/state_tensor.h), so that sharding
// and checkpoints are arithmetic on ranges.
#include <cstdint>
#include <memory>
#include <vector>

#include "core/optim/optim_options.h"
#include "core/ports/state_tensor.h"
#include "core/train/shard_plan.h"

namespace hone::optim {

// One optimizer step, as every range of it sees it. Weights and gradient are the whole arena's and lie where
// the optimizer computes.
struct StepInput {
  StateTensor weights;              // f32, or bf16 that is rounded stochastically; moved in place
  const float* gradient = nullptr;  // clipped
  std::int64_t step = 0;            // counts from 1
  double lr = 0;
  std::uint64_t seed = 0;  // of stochastic rounding
};

class Optimizer {
 public:
  virtual ~Optimizer() = default;
  // Moves the weights of `range`. The ranges of one step are disjoint, begin and end at multiples of the
  // granule and come in any order; their cut does not change a bit of the result. Nothing else moves weights
  // during the step.
  virtual void update(Range range, const StepInput& in) = 0;
  // Names and sizes are the same for the optimizer's whole life; writing the data restores the state.
  virtual std::vector<StateTensor> state() = 0;
  virtual std::int64_t granule() const = 0;  // divides ArenaLayoutBuilder::kAlignment
};
using OptimizerPtr = std::unique_ptr<Optimizer>;

// An entry of the registry: what state it keeps, known before any is allocated, and how it is made.
struct OptimizerKind {
  std::vector<StateSpec> (*state)(const OptimOptions& options, const ArenaLayout& layout) = nullptr;
  OptimizerPtr (*make)(const OptimOptions& options, const ArenaLayout& layout) = nullptr;
};
template <class Kind>
OptimizerPtr make_as(const OptimOptions& options, const ArenaLayout& layout) {
  return std::make_unique<Kind>(options, layout);
}

// The registry of optimizers. Options that do not go together are an Error (exit 2).
OptimizerPtr make_optimizer(const OptimOptions& options, const ArenaLayout& layout);

// Bytes of the state that make_optimizer would allocate; of a rank that owns only so many of the arena's elements.
std::int64_t state_bytes(const OptimOptions& options, const ArenaLayout& layout);
std::int64_t state_bytes(const OptimOptions& options, const ArenaLayout& layout, std::int64_t owned);

// What an unset optim.lr and optim.beta2 stand for.
double effective_lr(const OptimOptions& options, bool adapter);
double effective_beta2(const OptimOptions& options);

}  // namespace hone::optim
