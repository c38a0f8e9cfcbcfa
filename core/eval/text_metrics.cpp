#include "core/eval/text_metrics.h"

#include "core/eval/exact_match.h"
#include "core/eval/rouge.h"
#include "core/eval/squad.h"

namespace hone::eval {

std::span<const TextMetric> text_metrics() {
  static constexpr TextMetric kMetrics[] = {
      {"exact_match", "Exact match", &TextScores::exact_match, 1},
      {"squad_exact_match", "SQuAD match", &TextScores::squad_exact_match, 1},
      {"squad_f1", "SQuAD F1", &TextScores::squad_f1, 1},
      {"bleu", "BLEU", &TextScores::bleu, 100},
      {"rouge1", "ROUGE-1", &TextScores::rouge1, 1},
      {"rouge2", "ROUGE-2", &TextScores::rouge2, 1},
      {"rougeL", "ROUGE-L", &TextScores::rouge_l, 1},
      {"rougeLsum", "ROUGE-Lsum", &TextScores::rouge_lsum, 1},
  };
  return kMetrics;
}

TextScores TextMetrics::add(std::string_view expected, std::string_view answer) {
  const BleuStatistics statistics = bleu_statistics({&expected, 1}, answer);
  const SquadScore token_scores = squad(expected, answer);
  const RougeScores overlap = rouge(expected, answer, rouge_stemmer_);
  const TextScores one = {1,
                          exact_match(expected, answer) ? 1.0 : 0.0,
                          token_scores.exact_match,
                          token_scores.f1,
                          sentence_bleu(statistics),
                          overlap.rouge1.f,
                          overlap.rouge2.f,
                          overlap.rouge_l.f,
                          overlap.rouge_lsum.f};
  sums_.examples += 1;
  for (const TextMetric& metric : text_metrics()) sums_.*metric.value += one.*metric.value;
  bleu_ += statistics;
  return one;
}

TextScores TextMetrics::scores() const {
  TextScores means = sums_;
  for (const TextMetric& metric : text_metrics())
    if (sums_.examples > 0) means.*metric.value /= sums_.examples;
  means.bleu = corpus_bleu(bleu_);
  return means;
}

}  // namespace hone::eval
