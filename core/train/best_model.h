#pragma once
// Which evaluation was the best, and when to give up: transformers' rules (metric_for_best_model,
// greater_is_better, EarlyStoppingCallback). Pure; all ranks hold the same values.
#include <string>

#include "core/ports/train_observer.h"

namespace hone::train {

struct BestRules {
  std::string metric = "loss";
  bool greater_is_better = false;
  std::int64_t patience = 0;  // evaluations without a gain after which training ends; 0: never
  double threshold = 0;       // what a gain must exceed for patience to begin anew
};

// "loss", "perplexity", "mean_token_accuracy". Throws Error(Exit::usage, "US010") for another.
double metric_of(const EvalResult& result, const std::string& metric);
bool greater_is_better(const std::string& metric);  // all but losses and perplexity

// A value that is not a number is neither best nor a gain.
void note_evaluation(const BestRules& rules, BestSoFar& best, std::int64_t step, double value);
bool gives_up(const BestRules& rules, const BestSoFar& best);

}  // namespace hone::train
