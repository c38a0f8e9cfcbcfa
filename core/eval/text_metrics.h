#pragma once
// Exact match and ROUGE (F) of generated answers over a corpus: sums, so that ranks' shares add up to the
// whole.
#include <array>
#include <string_view>

namespace hone::eval {

struct TextScores {  // means; all 0 over no examples
  double examples = 0;
  double exact_match = 0;
  double rouge1 = 0;
  double rouge2 = 0;
  double rouge_l = 0;
};

class TextMetrics {
 public:
  using Sums = std::array<double, 5>;  // examples, exact_match, rouge1, rouge2, rouge_l

  TextMetrics() = default;
  explicit TextMetrics(const Sums& sums) : sums_(sums) {}
  void add(std::string_view expected, std::string_view answer);
  const Sums& sums() const { return sums_; }  // to be added up over ranks
  TextScores means() const;

 private:
  Sums sums_{};
};

}  // namespace hone::eval
