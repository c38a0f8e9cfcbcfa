#include "core/train/evaluator.h"

namespace hone::train {

EvalResult evaluate(const objective::Objective& objective, const model::Model& model, const HeldOut& held_out,
                    Communicator& communicator, nn::AdapterMode adapters,
                    const std::function<void(const objective::SequenceScore&)>& each) {
  double sums[2] = {};
  held_out([&](const TokenBatch& batch) {
    for (const objective::SequenceScore& score : objective.score(model, batch, adapters)) {
      sums[0] -= score.logp;
      sums[1] += static_cast<double>(score.tokens);
      if (each) each(score);
    }
  });
  communicator.all_reduce({sums, 2, CommType::f64}, ReduceOp::sum)->wait();
  return {sums[1] > 0 ? sums[0] / sums[1] : 0.0, static_cast<std::int64_t>(sums[1])};
}

}  // namespace hone::train
