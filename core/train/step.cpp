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

// The losses of the micro-batches.
std::vector<double> forward_backward(const StepPlan& plan, double scale, StepParts& parts) {
  const auto phase = parts.clock.in(PhaseClock::forward_backward);
  fault_point("step.forward");
  std::vector<double> losses;
  for (const TokenBatch& bin : plan.bins) {
    parts.gradients.begin_micro_batch(/*last=*/losses.size() + 1 == plan.bins.size());
    losses.push_back(parts.objective.train(parts.model, bin, scale, parts.gradients));
    parts.gradients.end_micro_batch();
  }
  return losses;
}

// Over ranks, then over micro-batches, each in a balanced tree: the order that sharded_gradients.h explains.
double sum_of(std::vector<double> losses, Communicator& communicator) {
  if (losses.empty()) return 0;
  communicator.all_reduce({losses.data(), std::ssize(losses), CommType::f64}, ReduceOp::sum)->wait();
  for (; losses.size() > 1; losses.resize((losses.size() + 1) / 2))
    for (std::size_t i = 0; i < losses.size(); i += 2)
      losses[i / 2] = i + 1 < losses.size() ? losses[i] + losses[i + 1] : losses[i];
  return losses[0];
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
  optim::StepInput in{.type = arena.type(), .step = update, .lr = lr, .seed = parts.seed};
  const OwnedShards& owned = arena.owned();
  const float* gradient = parts.gradients.sum().const_data_ptr<float>();
  for (std::size_t i = 0; i < owned.ranges().size(); ++i)
    in.pieces.push_back(
        {owned.ranges()[i], arena.owned_weights(i), gradient + owned.place(owned.ranges()[i].begin)});
  if (Communicator* ranks = arena.sharding().shards_state() ? arena.sharding().communicator : nullptr)
    in.sum_over_shards = [ranks](std::span<double> values) {
      ranks->all_reduce({values.data(), std::ssize(values), CommType::f64}, ReduceOp::sum)->wait();
    };
  parts.optimizer.update(in);
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
  parts.gradients.begin_step();
  const Totals totals = sum_over_ranks(plan, parts);
  const bool scaled = parts.model.compute() == at::kHalf;
  const double loss_scale = scaled ? parts.loss_scale.value : 1.0;
  const std::vector<double> losses =
      forward_backward(plan, totals.weight > 0 ? loss_scale / totals.weight : 0.0, parts);
  double loss = 0;
  {
    const auto phase = parts.clock.in(PhaseClock::reduce);
    fault_point("step.reduce");
    parts.gradients.finish();
    loss = sum_of(losses, parts.communicator);
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
