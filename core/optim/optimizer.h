#pragma once
// Moves the trained weights. An optimizer sees flat ranges of the arena and nothing of models or ranks; its
// state is flat tensors that say how they lie beside the arena (core/ports/state_tensor.h), so that sharding
// and checkpoints are arithmetic on ranges.
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "core/optim/optim_options.h"
#include "core/ports/state_tensor.h"
#include "core/train/shard_plan.h"

namespace hone::optim {

// A part of the arena that a step moves, first element first; in memory where the optimizer computes.
struct Piece {
  Range range;
  void* weights = nullptr;          // of StepInput::type; moved in place
  const float* gradient = nullptr;  // clipped
};

struct StepInput {
  std::vector<Piece> pieces = {};   // rising and disjoint, cut at multiples of the granule
  StateType type = StateType::f32;  // of the weights: f32, or bf16 that is rounded stochastically
  std::int64_t step = 0;            // counts from 1
  double lr = 0;
  std::uint64_t seed = 0;  // of stochastic rounding
  // Where ranks move different pieces: the sum over all ranks, in place; entered by all. Null: the pieces are all.
  std::function<void(std::span<double>)> sum_over_shards = {};

  void sum(std::span<double> values) const {
    if (sum_over_shards && !values.empty()) sum_over_shards(values);
  }
};

class Optimizer {
 public:
  virtual ~Optimizer() = default;
  // Moves the pieces, all that this rank owns; how they are cut does not change a bit of the result. Entered by
  // all ranks.
  virtual void update(const StepInput& in) = 0;
  // What this rank holds of each tensor. Names and sizes are the same for the optimizer's whole life; writing the
  // data restores the state.
  virtual std::vector<StateTensor> state() = 0;
};
using OptimizerPtr = std::unique_ptr<Optimizer>;

// An entry of the registry: what state it keeps, known before any is allocated, and how it is made.
struct OptimizerKind {
  std::vector<StateSpec> (*state)(const OptimOptions& options, const ArenaLayout& layout) = nullptr;
  OptimizerPtr (*make)(const OptimOptions& options, const ArenaLayout& layout,
                       const OwnedShards& owned) = nullptr;
  std::int64_t granule = 64;
};
template <class Kind>
OptimizerPtr make_as(const OptimOptions& options, const ArenaLayout& layout, const OwnedShards& owned) {
  return std::make_unique<Kind>(options, layout, owned);
}

// The registry of optimizers. State is kept for `owned` alone. Options that do not go together are an Error (exit 2).
OptimizerPtr make_optimizer(const OptimOptions& options, const ArenaLayout& layout, const OwnedShards& owned);
OptimizerPtr make_optimizer(const OptimOptions& options, const ArenaLayout& layout);  // for all of it
std::int64_t granule_of(const OptimOptions& options);

// Bytes of the state that make_optimizer would allocate where `owned` elements of the arena are kept.
std::int64_t state_bytes(const OptimOptions& options, const ArenaLayout& layout, std::int64_t owned);
inline std::int64_t state_bytes(const OptimOptions& options, const ArenaLayout& layout) {
  return state_bytes(options, layout, layout.size);
}

// What an unset optim.lr and optim.beta2 stand for.
double effective_lr(const OptimOptions& options, bool adapter);
double effective_beta2(const OptimOptions& options);

}  // namespace hone::optim
