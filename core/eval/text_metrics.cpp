#include "core/eval/text_metrics.h"

#include "core/eval/exact_match.h"
#include "core/eval/rouge.h"

namespace hone::eval {

void TextMetrics::add(std::string_view expected, std::string_view answer) {
  const RougeScores scores = rouge(expected, answer);
  const Sums one = {1, exact_match(expected, answer) ? 1.0 : 0.0, scores.rouge1.f, scores.rouge2.f,
                    scores.rouge_l.f};
  for (std::size_t i = 0; i < one.size(); ++i) sums_[i] += one[i];
}

TextScores TextMetrics::means() const {
  const double n = sums_[0];
  if (n == 0) return {};
  return {n, sums_[1] / n, sums_[2] / n, sums_[3] / n, sums_[4] / n};
}

}  // namespace hone::eval
