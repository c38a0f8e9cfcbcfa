#pragma once
// One optimizer step over a global batch. All ranks enter together; the weights end bitwise equal on every rank.
#include "core/model/model.h"
#include "core/objective/objective.h"
#include "core/optim/optimizer.h"
#include "core/optim/schedule.h"
#include "core/ports/batch_source.h"
#include "core/ports/checkpoint_sink.h"
#include "core/ports/communicator.h"
#include "core/ports/train_observer.h"
#include "core/train/gradients.h"
#include "core/train/phase_clock.h"

namespace hone::train {

struct StepParts {
  model::Model& model;
  objective::Objective& objective;
  optim::Optimizer& optimizer;
  optim::Schedule schedule;  // multiplier
  double peak_lr = 0;
  double max_grad_norm = 1.0;  // 0: no clipping
  Communicator& communicator;
  StepGradients& gradients;
  PhaseClock& clock;
  LossScale& loss_scale;  // of fp16: moved by run_step
  std::int64_t earlier_updates = 0;
  std::uint64_t seed = 0;  // of stochastic rounding
};

// `step` counts from 1. A loss or gradient that is not finite throws Error(Exit::not_finite) naming the step and
// the first bad tensor, on every rank alike and before any weight moved; in fp16 the step is skipped instead
// (loss_scale.h). A skipped step is a step of the run, but neither the schedule nor the optimizer counts it.
StepResult run_step(StepParts& parts, BatchSource& source, std::int64_t step);

}  // namespace hone::train
