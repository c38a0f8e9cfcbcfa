#include "core/train/step.h"

#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "core/base/fault_point.h"
#include "core/train/loss_scale.h"

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

double forward_backward(const StepPlan& plan, double scale, StepParts& parts) {
  const auto phase = parts.clock.in(PhaseClock::forward_backward);
  fault_point("step.forward");
  double loss = 0;
  for (std::size_t i = 0; i < plan.bins.size(); ++i) {
    parts.gradients.set_last_micro_batch(i + 1 == plan.bins.size() ? &parts.reduction : nullptr);
    loss += parts.objective.train(parts.model, plan.bins[i], scale, parts.gradients);
  }
  return loss;
}

[[noreturn]] void refuse(double loss, std::int64_t step, StepParts& parts) {
  const std::string tensor = parts.gradients.first_not_finite();
  throw Error(Exit::not_finite, "NT001",
              std::isfinite(loss) ? "gradient is not finite" : "loss is not finite",
              "step " + std::to_string(step), tensor.empty() ? "the loss itself" : "first in " + tensor,
              "lower optim.lr, or look at the rows of this step");
}

// PyTorch's clip_grad_norm_: scale by max_norm / (norm + 1e-6) where that is below one.
double clip_factor(double norm, double max_norm) {
  return max_norm > 0 ? std::min(1.0, max_norm / (norm + 1e-6)) : 1.0;
}

void update(StepParts& parts, double gradient_factor, std::int64_t update, double lr) {
  if (gradient_factor != 1.0) parts.gradients.scale(static_cast<float>(gradient_factor));
  model::Arena& arena = parts.model.arena();
  parts.optimizer.update({0, arena.layout().size},
                         {arena.weights(), parts.gradients.flat().data(), update, lr, parts.seed});
  arena.publish();
}

}  // namespace

StepResult run_step(StepParts& parts, BatchSource& source, std::int64_t step) {
  StepPlan plan;
  {
    const auto phase = parts.clock.in(PhaseClock::data);
    fault_point("step.data");
    plan = source.next_step();
  }
  parts.gradients.zero();
  const Totals totals = sum_over_ranks(plan, parts);
  const bool scaled = parts.model.compute() == at::kHalf;
  const double loss_scale = scaled ? parts.loss_scale.value : 1.0;
  double loss = forward_backward(plan, totals.weight > 0 ? loss_scale / totals.weight : 0.0, parts);
  {
    const auto phase = parts.clock.in(PhaseClock::reduce);
    fault_point("step.reduce");
    parts.reduction.finish();
    parts.communicator.all_reduce({&loss, 1, CommType::f64}, ReduceOp::sum)->wait();
  }
  loss = totals.weight > 0 ? loss / totals.weight : 0.0;

  const auto phase = parts.clock.in(PhaseClock::optimizer);
  const double norm = parts.gradients.norm() / loss_scale;
  const std::int64_t updates = step - 1 - parts.loss_scale.skipped;  // of this run, so far
  const double lr = parts.peak_lr * parts.schedule(updates);
  const bool finite = std::isfinite(loss) && std::isfinite(norm);
  if (!finite && !scaled) refuse(loss, step, parts);
  fault_point("step.optimizer");
  if (finite) {
    update(parts, clip_factor(norm, parts.max_grad_norm) / loss_scale, parts.earlier_updates + updates + 1,
           lr);
    if (scaled) note_finite(parts.loss_scale);
  } else {
    note_overflow(parts.loss_scale, step);
  }
  fault_point("step.done");
  return {.loss = loss,
          .grad_norm = norm,
          .lr = lr,
          .tokens = static_cast<std::int64_t>(totals.tokens),
          .supervised_tokens = static_cast<std::int64_t>(totals.weight),
          .epoch = plan.epoch,
          .loss_scale = scaled ? loss_scale : 0.0,
          .skipped = !finite};
}

}  // namespace hone::train
