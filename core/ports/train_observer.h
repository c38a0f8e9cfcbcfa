#pragma once
// Who wants to know how a run goes: console, metrics file, report. Called on every rank.
#include <cstdint>

#include "core/ports/checkpoint_sink.h"

namespace hone {

struct StepResult {
  double loss = 0;
  double grad_norm = 0;  // before clipping
  double lr = 0;
  std::int64_t tokens = 0;             // over all ranks
  std::int64_t supervised_tokens = 0;  // the divisor of the loss
  double epoch = 0;
  double loss_scale = 0;  // that this step was computed with; 0: none (not fp16)
  bool skipped = false;   // the fp16 gradient had overflowed: no weight moved
};

struct EvalResult {
  double loss = 0;
  std::int64_t tokens = 0;
  double mean_token_accuracy = 0;  // share of supervised tokens that were the likeliest
};

class TrainObserver {
 public:
  virtual ~TrainObserver() = default;
  virtual void on_step(std::int64_t step, const StepResult& result, double seconds) = 0;
  virtual void before_checkpoint() = 0;  // what was told so far must be durable first
  // `best` is what is known with this evaluation; best.step == step: this is the best so far.
  virtual void on_evaluation(std::int64_t step, const EvalResult& result, const BestSoFar& best) = 0;
};

}  // namespace hone
