#include "core/eval/bleu.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "core/eval/words.h"

namespace hone::eval {
namespace {

void replace_all(std::string& text, std::string_view what, std::string_view with) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size())
    text.replace(at, what.size(), with);
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_point(char c) {  // separates words unless digits are on both sides
  return c == '.' || c == ',';
}
bool stands_alone(char c) {  // ASCII signs but ' - . , which need a look at their neighbours
  return (c >= ' ' && c <= '&') || (c >= '(' && c <= '+') || c == '/' || (c >= ':' && c <= '@') ||
         (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
}

// Each pair of neighbours that `fits`, from the left and not overlapping, gets spaces: before, between,
// after.
template <class Fits>
std::string spread_pairs(const std::string& text, std::string_view before, std::string_view after,
                         Fits&& fits) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i + 1 == text.size() || !fits(text[i], text[i + 1])) {
      out += text[i];
      continue;
    }
    out += before;
    out += text[i];
    out += ' ';
    out += text[++i];
    out += after;
  }
  return out;
}

double score(const BleuStatistics& s, bool effective_order) {
  if (std::all_of(s.common.begin(), s.common.end(), [](std::int64_t n) { return n == 0; })) return 0;
  double smoothing = 1, log_sum = 0;
  std::size_t order = 0;
  for (; order < BleuStatistics::kOrders && s.given[order] > 0; ++order) {
    const double found = s.common[order] > 0 ? static_cast<double>(s.common[order]) : 1 / (smoothing *= 2);
    log_sum += std::log(100 * found / static_cast<double>(s.given[order]));
  }
  if (!effective_order && order < BleuStatistics::kOrders) return 0;
  const double brevity = s.answer_words < s.reference_words ? 1 - static_cast<double>(s.reference_words) /
                                                                      static_cast<double>(s.answer_words)
                                                            : 0;
  return std::exp(brevity + log_sum / static_cast<double>(order));
}

}  // namespace

BleuStatistics& BleuStatistics::operator+=(const BleuStatistics& other) {
  answer_words += other.answer_words;
  reference_words += other.reference_words;
  for (std::size_t n = 0; n < kOrders; ++n) common[n] += other.common[n], given[n] += other.given[n];
  return *this;
}

std::vector<std::string> bleu_words(std::string_view text) {
  std::string line(text);
  replace_all(line, "<skipped>", "");
  replace_all(line, "-\n", "");
  replace_all(line, "\n", " ");
  replace_all(line, "&quot;", "\"");
  replace_all(line, "&amp;", "&");
  replace_all(line, "&lt;", "<");
  replace_all(line, "&gt;", ">");
  std::string spaced = " ";
  for (const char c : line) spaced += stands_alone(c) ? std::string{' ', c, ' '} : std::string{c};
  spaced += ' ';
  spaced = spread_pairs(spaced, "", " ", [](char a, char b) { return !is_digit(a) && is_point(b); });
  spaced = spread_pairs(spaced, " ", "", [](char a, char b) { return is_point(a) && !is_digit(b); });
  spaced = spread_pairs(spaced, "", " ", [](char a, char b) { return is_digit(a) && b == '-'; });
  return split_words(spaced);
}

BleuStatistics bleu_statistics(std::span<const std::string_view> references, std::string_view answer) {
  Numbering numbering;
  const auto words_of = [&](std::string_view text) {  // sacrebleu cuts white space off the end first
    return numbering.of(
        bleu_words(text.substr(0, static_cast<std::size_t>(trim(text).end() - text.begin()))));
  };
  const Words given = words_of(answer);
  BleuStatistics s;
  s.answer_words = static_cast<std::int64_t>(given.size());
  std::vector<Words> wanted;
  for (const std::string_view reference : references) wanted.push_back(words_of(reference));
  const auto closer = [&](const Words& a, const Words& b) {
    const auto distance = [&](const Words& words) {
      return std::abs(static_cast<std::int64_t>(words.size()) - s.answer_words);
    };
    return distance(a) != distance(b) ? distance(a) < distance(b) : a.size() < b.size();
  };
  if (!wanted.empty())
    s.reference_words =
        static_cast<std::int64_t>(std::min_element(wanted.begin(), wanted.end(), closer)->size());
  for (std::size_t n = 1; n <= BleuStatistics::kOrders; ++n) {
    Ngrams most;
    for (const Words& words : wanted)
      for (const auto& [ngram, count] : count_ngrams(words, n)) most[ngram] = std::max(most[ngram], count);
    s.common[n - 1] = static_cast<std::int64_t>(common_ngrams(most, count_ngrams(given, n)));
    s.given[n - 1] = std::max<std::int64_t>(0, s.answer_words - static_cast<std::int64_t>(n) + 1);
  }
  return s;
}

double corpus_bleu(const BleuStatistics& sums) { return score(sums, false); }
double sentence_bleu(const BleuStatistics& of_one_answer) { return score(of_one_answer, true); }

}  // namespace hone::eval
