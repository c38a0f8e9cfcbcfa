#include "core/train/step.h"

#include <cmath>

#include "core/base/error.h"

namespace hone::train {
namespace {

struct Totals {
  double weight = 0, tokens = 0;
};

// What all ranks' bins add up to.
Totals sum_over_ranks(const StepPlan& plan, StepParts& parts) {
  double sums[2] = {};
  for (const TokenBatch& batch : plan.bins) {
    sums[0] += parts.objective.weight(batch);
    sums[1] += static_cast<double>(batch.token_count());
  }
  parts.communicator.all_reduce({sums, 2, CommType::f64}, ReduceOp::sum)->wait();
  return {sums[0], sums[1]};
}

double forward_backward(const StepPlan& plan, double weight, StepParts& parts) {
  const auto phase = parts.clock.in(PhaseClock::forward_backward);
  const double scale = weight > 0 ? 1.0 / weight : 0.0;
  double loss = 0;
  for (std::size_t i = 0; i < plan.bins.size(); ++i) {
    parts.gradients.set_last_micro_batch(i + 1 == plan.bins.size() ? &parts.reduction : nullptr);
    loss += parts.objective.train(parts.model, plan.bins[i], scale, parts.gradients);
  }
  return loss;
}

void require_finite(double loss, double norm, std::int64_t step, StepParts& parts) {
  if (std::isfinite(loss) && std::isfinite(norm)) return;
  const std::string tensor = parts.gradients.first_not_finite();
  throw Error(Exit::not_finite, "NT001",
              std::isfinite(loss) ? "gradient is not finite" : "loss is not finite",
              "step " + std::to_string(step), tensor.empty() ? "the loss itself" : "first in " + tensor,
              "lower optim.lr, or look at the rows of this step");
}

}  // namespace

StepResult run_step(StepParts& parts, BatchSource& source, std::int64_t step) {
  StepPlan plan;
  {
    const auto phase = parts.clock.in(PhaseClock::data);
    plan = source.next_step();
  }
  parts.gradients.zero();
  const Totals totals = sum_over_ranks(plan, parts);
  double loss = forward_backward(plan, totals.weight, parts);
  {
    const auto phase = parts.clock.in(PhaseClock::reduce);
    parts.reduction.finish();
    parts.communicator.all_reduce({&loss, 1, CommType::f64}, ReduceOp::sum)->wait();
  }
  loss = totals.weight > 0 ? loss / totals.weight : 0.0;

  const auto phase = parts.clock.in(PhaseClock::optimizer);
  const std::span<float> gradient = parts.gradients.flat();
  const double norm = parts.gradients.norm();
  require_finite(loss, norm, step, parts);
  // PyTorch's clip_grad_norm_: scale by max_norm / (norm + 1e-6) where that is below one.
  if (const double factor = parts.max_grad_norm / (norm + 1e-6); parts.max_grad_norm > 0 && factor < 1)
    parts.gradients.scale(static_cast<float>(factor));
  const double lr = parts.peak_lr * parts.schedule(step - 1);
  model::Arena& arena = parts.model.arena();
  parts.optimizer.update({0, arena.layout().size}, {arena.weights(), gradient.data(), step, lr, parts.seed});
  arena.publish();
  return {loss, norm, lr, static_cast<std::int64_t>(totals.tokens), static_cast<std::int64_t>(totals.weight), plan.epoch};
}

}  // namespace hone::train
