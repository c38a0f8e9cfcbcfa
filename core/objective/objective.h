#pragma once
// What is optimised. A separable objective returns sums, never means: weight(batch) is known before the model
// runs, the trainer sums weights over all micro-batches and ranks, then scales. So neither loss nor gradients
// depend on how a global batch was cut. (A whole-batch objective, one that sees all representations of the global
// batch at once, is the second kind; it gets its interface with the first of them.)
#include <memory>
#include <vector>

#include "core/model/model.h"
#include "core/nn/batch_tensors.h"
#include "core/objective/objective_options.h"
#include "core/ports/token_batch.h"

namespace hone::objective {

// Per sequence, for evaluation.
struct SequenceScore {
  std::int64_t sample = 0;
  double logp = 0;  // natural log, summed over supervised tokens
  std::int64_t tokens = 0;
  std::int64_t right = 0;  // of them, those that were the likeliest
};

// A micro-batch on the device as one run of int32 words, so that a captured graph is fed by one copy: the batch's
// (core/nn/batch_tensors.h), then the objective's own for `targets` of its rows.
struct StagedBatch {
  nn::BatchShape shape;
  std::int64_t targets = 0;
  at::Tensor words;
};

class Objective {
 public:
  virtual ~Objective() = default;
  // What the loss of this batch is divided by, summed over the global batch (SFT: supervised tokens).
  virtual double weight(const TokenBatch& batch) const = 0;
  // Forward and backward of one micro-batch; gradients of the loss sum times `scale` go to the sink. Returns the
  // unscaled loss sum. An empty batch is legal: nothing runs, blocks are still announced.
  virtual double train(model::Model& model, const TokenBatch& batch, double scale, GradientSink& sink) = 0;
  // Forward only, no dropout.
  virtual std::vector<SequenceScore> score(const model::Model& model, const TokenBatch& batch,
                                           nn::AdapterMode adapters = nn::AdapterMode::all) const = 0;
};
// One that can run as a captured graph: `train` cut in two. The words are made on the host and hold `targets` >=
// target_count(batch) rows; everything else is operations on the device that, on CUDA, wait for nothing and copy nothing
// from the host. train_staged returns the loss sum [], fp64.
class CapturableObjective : public Objective {
 public:
  virtual std::int64_t target_count(const TokenBatch& batch) const = 0;
  virtual std::vector<std::int32_t> stage(const TokenBatch& batch, double scale,
                                          std::int64_t targets) const = 0;
  virtual at::Tensor train_staged(model::Model& model, const StagedBatch& batch, GradientSink& sink) = 0;
};

using ObjectivePtr = std::unique_ptr<Objective>;

// The registry of objectives.
ObjectivePtr make_objective(const ObjectiveOptions& options);

}  // namespace hone::objective
