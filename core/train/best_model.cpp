#include "core/train/best_model.h"

#include <cmath>

#include "core/base/registry.h"

namespace hone::train {

double metric_of(const EvalResult& result, const std::string& metric) {
  return Registry<double>{"train.metric", metric}
      .entry("loss", [&] { return result.loss; })
      .entry("perplexity", [&] { return std::exp(result.loss); })
      .entry("mean_token_accuracy", [&] { return result.mean_token_accuracy; })
      .build();
}

bool greater_is_better(const std::string& metric) {
  return !metric.ends_with("loss") && metric != "perplexity";
}

void note_evaluation(const BestRules& rules, BestSoFar& best, std::int64_t step, double value) {
  const bool first = best.step == 0;
  const bool better = rules.greater_is_better ? value > best.metric : value < best.metric;
  const bool gain = first || (better && std::abs(value - best.metric) > rules.threshold);
  best.evaluations_without_gain = gain && !std::isnan(value) ? 0 : best.evaluations_without_gain + 1;
  if (!(first || better) || std::isnan(value)) return;
  best.metric = value;
  best.step = step;
}

bool gives_up(const BestRules& rules, const BestSoFar& best) {
  return rules.patience > 0 && best.evaluations_without_gain >= rules.patience;
}

}  // namespace hone::train
