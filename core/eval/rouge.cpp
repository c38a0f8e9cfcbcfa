#include "core/eval/rouge.h"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>

namespace hone::eval {
namespace {

using Words = std::vector<int>;  // a number for each distinct word

// Texts are compared as numbers: one numbering serves both.
class Numbering {
 public:
  Words of(const std::vector<std::string>& words) {
    Words numbers;
    numbers.reserve(words.size());
    for (const std::string& word : words)
      numbers.push_back(numbers_.try_emplace(word, static_cast<int>(numbers_.size())).first->second);
    return numbers;
  }

 private:
  std::unordered_map<std::string, int> numbers_;
};

RougeScore score(std::size_t common, std::size_t in_target, std::size_t in_prediction) {
  RougeScore s;
  if (in_prediction > 0) s.precision = static_cast<double>(common) / static_cast<double>(in_prediction);
  if (in_target > 0) s.recall = static_cast<double>(common) / static_cast<double>(in_target);
  if (s.precision + s.recall > 0) s.f = 2 * s.precision * s.recall / (s.precision + s.recall);
  return s;
}

std::map<std::pair<int, int>, std::size_t> count_ngrams(const Words& words, std::size_t n) {
  std::map<std::pair<int, int>, std::size_t> counts;
  for (std::size_t i = 0; i + n <= words.size(); ++i) ++counts[{words[i], n == 2 ? words[i + 1] : -1}];
  return counts;
}

RougeScore ngram_score(const Words& target, const Words& prediction, std::size_t n) {
  const auto wanted = count_ngrams(target, n);
  std::size_t common = 0;
  for (const auto& [ngram, count] : count_ngrams(prediction, n))
    if (const auto found = wanted.find(ngram); found != wanted.end())
      common += std::min(count, found->second);
  const auto ngrams = [n](const Words& words) { return words.size() < n ? 0 : words.size() - n + 1; };
  return score(common, ngrams(target), ngrams(prediction));
}

std::size_t longest_common_subsequence(const Words& a, const Words& b) {
  std::vector<std::size_t> row(b.size() + 1, 0);
  for (const int word : a) {
    std::size_t diagonal = 0;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = word == b[j - 1] ? diagonal + 1 : std::max(above, row[j - 1]);
      diagonal = above;
    }
  }
  return row.back();
}

bool starts_with_at(std::string_view text, std::size_t at, std::string_view prefix) {
  return text.substr(at, prefix.size()) == prefix;
}

}  // namespace

std::vector<std::string> rouge_words(std::string_view text) {
  // Outside ASCII only the Kelvin sign and the dotted capital I have a lower case with an ASCII letter in it.
  std::vector<std::string> words;
  std::string word;
  const auto end_word = [&] {
    if (!word.empty()) words.push_back(std::exchange(word, {}));
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
      word += c;
    } else if (c >= 'A' && c <= 'Z') {
      word += static_cast<char>(c - 'A' + 'a');
    } else if (starts_with_at(text, i, "\xE2\x84\xAA")) {
      word += 'k';
      i += 2;
    } else if (starts_with_at(text, i, "\xC4\xB0")) {
      word += 'i';  // and a combining dot, which ends the word
      end_word();
      i += 1;
    } else {
      end_word();
    }
  }
  end_word();
  return words;
}

RougeScores rouge(std::string_view target, std::string_view prediction) {
  Numbering numbering;
  const Words wanted = numbering.of(rouge_words(target));
  const Words given = numbering.of(rouge_words(prediction));
  return {ngram_score(wanted, given, 1), ngram_score(wanted, given, 2),
          score(longest_common_subsequence(wanted, given), wanted.size(), given.size())};
}

}  // namespace hone::eval
