#include "core/train/evaluator.h"

#include <algorithm>

namespace hone::train {

EvalResult evaluate(const objective::Objective& objective, const model::Model& model, const HeldOut& held_out,
                    Communicator& communicator, nn::AdapterMode adapters,
                    const std::function<void(const objective::SequenceScore&)>& each) {
  double sums[3] = {};
  held_out([&](const TokenBatch& batch) {
    for (const objective::SequenceScore& score : objective.score(model, batch, adapters)) {
      sums[0] -= score.logp;
      sums[1] += static_cast<double>(score.tokens);
      sums[2] += static_cast<double>(score.right);
      if (each) each(score);
    }
  });
  communicator.all_reduce({sums, 3, CommType::f64}, ReduceOp::sum)->wait();
  return {sums[0] / sums[1], static_cast<std::int64_t>(sums[1]), sums[2] / sums[1]};
}

}  // namespace hone::train
