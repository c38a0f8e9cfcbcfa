#pragma once
// Who wants to know how a run goes: console, metrics file, report. Called on every rank.
#include <cstdint>

namespace hone {

struct StepResult {
  double loss = 0;
  double grad_norm = 0;  // before clipping
  double lr = 0;
  std::int64_t tokens = 0;             // over all ranks
  std::int64_t supervised_tokens = 0;  // the divisor of the loss
  double epoch = 0;
};

struct EvalResult {
  double loss = 0;
  std::int64_t tokens = 0;
};

class TrainObserver {
 public:
  virtual ~TrainObserver() = default;
  virtual void on_step(std::int64_t step, const StepResult& result, double seconds) = 0;
  virtual void before_checkpoint() = 0;  // what was told so far must be durable first
  virtual void on_evaluation(std::int64_t step, const EvalResult& result, bool best) = 0;
};

}  // namespace hone
