#include "core/train/trainer.h"

#include <chrono>

namespace hone::train {
namespace {

bool due(std::int64_t step, std::int64_t every, std::int64_t total) {
  return every > 0 && (step % every == 0 || step == total);
}

void evaluate(TrainState& state, TrainerPorts& ports) {
  const auto phase = ports.clock.in(PhaseClock::evaluate);
  const EvalResult result = ports.evaluate();
  const bool best = result.loss < state.best_loss;
  if (best) state.best_loss = result.loss, state.best_step = state.step;
  ports.observer.on_evaluation(state.step, result, best);
}

void save(TrainState& state, TrainerPorts& ports) {
  const auto phase = ports.clock.in(PhaseClock::checkpoint);
  ports.observer.before_checkpoint();
  ports.checkpoints.save(state);
}

}  // namespace

Outcome run_training(const TrainPlan& plan, TrainState& state, TrainerPorts& ports) {
  using Clock = std::chrono::steady_clock;
  while (state.step < plan.total_steps) {
    const auto begin = Clock::now();
    const StepResult result = ports.step(state.step + 1);
    ++state.step;
    state.cursor = ports.source.cursor();
    ports.observer.on_step(state.step, result, std::chrono::duration<double>(Clock::now() - begin).count());

    const bool last = state.step == plan.total_steps;
    const std::int64_t best_before = state.best_step;
    if (ports.evaluate && due(state.step, plan.eval_every, plan.total_steps)) evaluate(state, ports);
    const bool stop = !last && ports.stop_agreed();
    const bool new_best = state.best_step != best_before;
    if (last || stop || new_best || due(state.step, plan.save_every, plan.total_steps)) save(state, ports);
    if (stop) return Outcome::stopped;
  }
  return Outcome::finished;
}

}  // namespace hone::train
