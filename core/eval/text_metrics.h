#pragma once
// Every score of generated answers against the expected ones: the list of metrics, and their values over a
// corpus.
#include <span>
#include <string_view>

#include "core/eval/bleu.h"

namespace hone::eval {

struct TextScores {
  double examples = 0;
  double exact_match = 0;
  double squad_exact_match = 0, squad_f1 = 0;
  double bleu = 0;
  double rouge1 = 0, rouge2 = 0, rouge_l = 0, rouge_lsum = 0;  // F
};

// How a score is called in JSON and in tables, and the value of a perfect answer.
struct TextMetric {
  const char* key;
  const char* title;
  double TextScores::*value;
  double most;
};
std::span<const TextMetric> text_metrics();

// Means over the answers added (BLEU: of the corpus); all 0 over none.
class TextMetrics {
 public:
  explicit TextMetrics(bool rouge_stemmer = false) : rouge_stemmer_(rouge_stemmer) {}
  // Returns this answer's own scores (BLEU: of the sentence).
  TextScores add(std::string_view expected, std::string_view answer);
  TextScores scores() const;

 private:
  bool rouge_stemmer_;
  TextScores sums_;
  BleuStatistics bleu_;
};

}  // namespace hone::eval
