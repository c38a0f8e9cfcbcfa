#include "core/eval/rouge.h"

#include <algorithm>
#include <set>
#include <utility>

#include "core/eval/porter_stemmer.h"
#include "core/eval/words.h"

namespace hone::eval {
namespace {

RougeScore score(std::size_t common, std::size_t in_target, std::size_t in_prediction) {
  RougeScore s;
  if (in_prediction > 0) s.precision = static_cast<double>(common) / static_cast<double>(in_prediction);
  if (in_target > 0) s.recall = static_cast<double>(common) / static_cast<double>(in_target);
  if (s.precision + s.recall > 0) s.f = 2 * s.precision * s.recall / (s.precision + s.recall);
  return s;
}

RougeScore ngram_score(const Words& target, const Words& prediction, std::size_t n) {
  const auto ngrams = [n](const Words& words) { return words.size() < n ? 0 : words.size() - n + 1; };
  return score(common_ngrams(count_ngrams(target, n), count_ngrams(prediction, n)), ngrams(target),
               ngrams(prediction));
}

// One row after the other of the table of longest common subsequences: visit(row) after each of a's words.
template <class Visit>
void over_common_lengths(const Words& a, const Words& b, Visit&& visit) {
  std::vector<std::uint32_t> row(b.size() + 1, 0);
  for (const int word : a) {
    std::uint32_t diagonal = 0;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::uint32_t above = row[j];
      row[j] = word == b[j - 1] ? diagonal + 1 : std::max(above, row[j - 1]);
      diagonal = above;
    }
    visit(row);
  }
}

RougeScore longest_common_score(const Words& target, const Words& prediction) {
  std::uint32_t common = 0;
  over_common_lengths(target, prediction, [&](const auto& row) { common = row.back(); });
  return score(common, target.size(), prediction.size());
}

// Adds the places in `a` of one longest common subsequence with `b`, the one that rouge-score reads out.
void add_common_places(const Words& a, const Words& b, std::set<std::size_t>& places) {
  std::vector<std::vector<std::uint32_t>> table = {std::vector<std::uint32_t>(b.size() + 1, 0)};
  over_common_lengths(a, b, [&](const auto& row) { table.push_back(row); });
  for (std::size_t i = a.size(), j = b.size(); i > 0 && j > 0;) {
    if (a[i - 1] == b[j - 1]) {
      places.insert(i - 1);
      --i, --j;
    } else if (table[i][j - 1] > table[i - 1][j]) {
      --j;
    } else {
      --i;
    }
  }
}

std::vector<Words> words_of_lines(std::string_view text, bool stem, Numbering& numbering) {
  std::vector<Words> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(numbering.of(rouge_words(text.substr(0, end), stem)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

RougeScore summary_score(const std::vector<Words>& target, const std::vector<Words>& prediction) {
  std::map<int, std::size_t> left_in_target,
      left_in_prediction;  // no word is counted more often than it is there
  std::size_t in_target = 0, in_prediction = 0, common = 0;
  for (const Words& line : target) {
    in_target += line.size();
    for (const int word : line) ++left_in_target[word];
  }
  for (const Words& line : prediction) {
    in_prediction += line.size();
    for (const int word : line) ++left_in_prediction[word];
  }
  for (const Words& line : target) {
    std::set<std::size_t> places;
    for (const Words& other : prediction) add_common_places(line, other, places);
    for (const std::size_t place : places) {
      std::size_t &wanted = left_in_target[line[place]], &given = left_in_prediction[line[place]];
      if (wanted == 0 || given == 0) continue;
      ++common, --wanted, --given;
    }
  }
  return score(common, in_target, in_prediction);
}

}  // namespace

std::vector<std::string> rouge_words(std::string_view text, bool stem) {
  std::vector<std::string> words;
  std::string word;
  const auto end_word = [&] {
    if (!word.empty()) words.push_back(stem && word.size() > 3 ? porter_stem(word) : word);
    word.clear();
  };
  for (const char c : lower_case(text)) {
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
      word += c;
    else
      end_word();
  }
  end_word();
  return words;
}

RougeScores rouge(std::string_view target, std::string_view prediction, bool stem) {
  Numbering numbering;
  const Words wanted = numbering.of(rouge_words(target, stem)),
              given = numbering.of(rouge_words(prediction, stem));
  return {
      ngram_score(wanted, given, 1), ngram_score(wanted, given, 2), longest_common_score(wanted, given),
      summary_score(words_of_lines(target, stem, numbering), words_of_lines(prediction, stem, numbering))};
}

}  // namespace hone::eval
