// Best evaluation and early stopping, as transformers' EarlyStoppingCallback has them.
#include "core/train/best_model.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/base/error.h"

namespace hone::test {
namespace {

// The state after evaluations with these values, one a step.
BestSoFar after(const train::BestRules& rules, const std::vector<double>& values) {
  BestSoFar best;
  for (std::size_t i = 0; i < values.size(); ++i)
    train::note_evaluation(rules, best, static_cast<std::int64_t>(i) + 1, values[i]);
  return best;
}

}  // namespace

TEST(BestModel, KnowsWhichWayAMetricGoes) {
  const EvalResult result{.loss = 2.0, .tokens = 10, .mean_token_accuracy = 0.25};
  EXPECT_EQ(train::metric_of(result, "loss"), 2.0);
  EXPECT_EQ(train::metric_of(result, "perplexity"), std::exp(2.0));
  EXPECT_EQ(train::metric_of(result, "mean_token_accuracy"), 0.25);
  EXPECT_THROW(train::metric_of(result, "bleu"), Error);
  EXPECT_FALSE(train::greater_is_better("loss"));
  EXPECT_FALSE(train::greater_is_better("perplexity"));
  EXPECT_TRUE(train::greater_is_better("mean_token_accuracy"));
}

TEST(BestModel, TheFirstOfEqualsIsTheBest) {
  EXPECT_EQ(after({}, {3, 2, 2, 4}).step, 2);
  EXPECT_EQ(after({.greater_is_better = true}, {0.1, 0.5, 0.5, 0.2}).step, 2);
  EXPECT_EQ(after({}, {NAN, NAN}).step, 0);
}

TEST(BestModel, PatienceCountsEvaluationsWhoseGainIsNoMoreThanTheThreshold) {
  const train::BestRules rules{.patience = 3, .threshold = 0.25};
  EXPECT_EQ(after(rules, {3.0, 2.75, 2.0}).evaluations_without_gain,
            0);  // 2.75: exactly the threshold, 2.0: a gain
  EXPECT_EQ(after(rules, {3.0, 2.75}).evaluations_without_gain, 1);
  EXPECT_EQ(after(rules, {3.0, 2.75, 2.6, 2.5}).evaluations_without_gain,
            3);  // each against the best before it
  EXPECT_TRUE(train::gives_up(rules, after(rules, {3.0, 3.5, NAN, 3.0})));
  EXPECT_FALSE(train::gives_up(rules, after(rules, {3.0, 3.5, 3.5, 1.0})));
  EXPECT_FALSE(train::gives_up({.patience = 0}, after({}, {1, 2, 3, 4, 5, 6})));
}

}  // namespace hone::test
