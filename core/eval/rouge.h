#pragma once
// ROUGE as Google's rouge-score package computes it without a stemmer: lower-cased runs of [a-z0-9] are the
// words. ROUGE-N counts common n-grams (clipped), ROUGE-L takes the longest common subsequence of the whole
// text. A text without words (or, for ROUGE-N, without n-grams) scores 0. ROUGE-L takes time |target| x
// |prediction|.
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
  RougeScore rouge1, rouge2, rouge_l;
};

std::vector<std::string> rouge_words(std::string_view text);
RougeScores rouge(std::string_view target, std::string_view prediction);

}  // namespace hone::eval
