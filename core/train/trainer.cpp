#include "core/train/trainer.h"

#include <chrono>

namespace hone::train {
namespace {

double epochs_done(const Cursor& cursor, const BatchSource& source) {
  return static_cast<double>(cursor.epoch) +
         static_cast<double>(cursor.next_sample) / static_cast<double>(source.sample_count());
}

void evaluate(const TrainPlan& plan, TrainState& state, TrainerPorts& ports) {
  const auto phase = ports.clock.in(PhaseClock::evaluate);
  const EvalResult result = ports.evaluate();
  if (state.step > 0) note_evaluation(plan.best, state.best, state.step, metric_of(result, plan.best.metric));
  ports.observer.on_evaluation(state.step, result, state.best);
}

void save(TrainState& state, TrainerPorts& ports) {
  const auto phase = ports.clock.in(PhaseClock::checkpoint);
  ports.observer.before_checkpoint();
  ports.checkpoints.save(state);
}

void after_step(TrainerPorts& ports) {
  const auto phase = ports.clock.in(PhaseClock::checkpoint);
  ports.checkpoints.after_step();
}

void wait(TrainerPorts& ports) {
  const auto phase = ports.clock.in(PhaseClock::last_checkpoint);
  ports.checkpoints.wait();
}

void take_step(TrainState& state, TrainerPorts& ports) {
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  const StepResult result = ports.step(state.step + 1);
  ++state.step;
  state.cursor = ports.source.cursor();
  ports.observer.on_step(state.step, result, std::chrono::duration<double>(Clock::now() - begin).count());
}

}  // namespace

Outcome run_training(const TrainPlan& plan, TrainState& state, TrainerPorts& ports) {
  const auto over = [&] { return state.step >= plan.total_steps || gives_up(plan.best, state.best); };
  if (plan.eval_on_start && state.step == 0 && ports.evaluate) evaluate(plan, state, ports);
  while (!over()) {
    const double epochs_before = epochs_done(state.cursor, ports.source);
    take_step(state, ports);
    after_step(ports);
    const auto due = [&](const Interval& every) {
      return every.due(state.step, epochs_before, epochs_done(state.cursor, ports.source)) ||
             (state.step == plan.total_steps && !every.never());
    };
    if (ports.evaluate && due(plan.eval_every)) evaluate(plan, state, ports);
    const bool stop = !over() && ports.stop_agreed();
    if (over() || stop || state.best.step == state.step || due(plan.save_every)) save(state, ports);
    if (stop) {
      wait(ports);
      return Outcome::stopped;
    }
  }
  wait(ports);
  return Outcome::finished;
}

}  // namespace hone::train
