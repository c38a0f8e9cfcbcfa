#pragma once
// BLEU as sacrebleu computes it with its defaults: the 13a tokenizer, n-grams up to 4 words, exponential
// smoothing, no lower-casing. From 0 to 100. Of several references an n-gram counts as often as in the one
// that has it most; the length compared with is the closest reference's (the shorter of two equally close).
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hone::eval {

// Sums over a corpus: those of its parts added up are those of the whole.
struct BleuStatistics {
  static constexpr std::size_t kOrders = 4;
  std::int64_t answer_words = 0;
  std::int64_t reference_words = 0;
  std::array<std::int64_t, kOrders> common{};  // n-grams found in a reference, for n = 1, 2, 3, 4
  std::array<std::int64_t, kOrders> given{};   // n-grams of the answer

  BleuStatistics& operator+=(const BleuStatistics& other);
};

BleuStatistics bleu_statistics(std::span<const std::string_view> references, std::string_view answer);

double corpus_bleu(const BleuStatistics& sums);
// Of one answer, with sacrebleu's effective order: an answer of fewer than 4 words is judged by the n-grams
// it has.
double sentence_bleu(const BleuStatistics& of_one_answer);

std::vector<std::string> bleu_words(std::string_view text);  // the 13a tokenizer

}  // namespace hone::eval
