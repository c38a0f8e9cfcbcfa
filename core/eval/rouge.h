#pragma once
// ROUGE as Google's rouge-score package computes it: lower-cased runs of [a-z0-9] are the words, as they are
// (its default) or each of more than 3 letters as its Porter stem. ROUGE-N counts common n-grams (clipped),
// ROUGE-L takes the longest common subsequence of the whole text, ROUGE-Lsum joins those of every line of the
// target with every line of the prediction. A text without words (or, for ROUGE-N, without n-grams) scores 0.
// ROUGE-L and -Lsum take time |target| x |prediction|; ROUGE-Lsum also memory for its longest pair of lines.
#include <string>
#include <string_view>
#include <vector>

namespace hone::eval {

struct RougeScore {
  double precision = 0;
  double recall = 0;
  double f = 0;
};

struct RougeScores {
  RougeScore rouge1, rouge2, rouge_l, rouge_lsum;
};

std::vector<std::string> rouge_words(std::string_view text, bool stem);
RougeScores rouge(std::string_view target, std::string_view prediction, bool stem = false);

}  // namespace hone::eval
