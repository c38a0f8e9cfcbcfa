#pragma once
// The training loop: steps, evaluation, checkpoints, stopping. Everything it meets is behind a port, so that a unit
// test runs it with fakes.
#include <functional>
#include <optional>
#include <string>

#include "core/ports/batch_source.h"
#include "core/ports/checkpoint_sink.h"
#include "core/ports/train_observer.h"
#include "core/train/best_model.h"
#include "core/train/phase_clock.h"
#include "core/train/spans.h"

namespace hone::train {

struct TrainPlan {
  std::int64_t total_steps = 0;
  Interval eval_every, save_every;  // and at the end, unless never
  bool eval_on_start = false;       // before the first step; never counts as the best
  BestRules best;
};

struct TrainerPorts {
  std::function<StepResult(std::int64_t step)> step;
  std::function<EvalResult()> evaluate;  // all ranks; empty: no evaluation
  BatchSource& source;
  CheckpointSink& checkpoints;
  TrainObserver& observer;
  std::function<bool()> stop_agreed;  // all ranks give the same answer
  PhaseClock& clock;
};

enum class Outcome { finished, stopped };

// Goes on after `state.step` until total_steps, or until patience with the evaluations ends. Saves at the end and when
// asked to stop; a new best evaluation is saved as such.
Outcome run_training(const TrainPlan& plan, TrainState& state, TrainerPorts& ports);

}  // namespace hone::train
