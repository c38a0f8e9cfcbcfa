#include "core/eval/squad.h"

#include "core/eval/words.h"

namespace hone::eval {
namespace {

bool is_punctuation(std::int32_t c) {
  return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
}

std::string without_punctuation(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (!is_punctuation(static_cast<unsigned char>(c))) out += c;
  return out;
}

// Runs of letters and digits that are an article become a space, whatever they touch.
std::string without_articles(std::string_view text) {
  std::string out, word;
  const auto end_word = [&] {
    out += word == "a" || word == "an" || word == "the" ? " " : word;
    word.clear();
  };
  for (std::size_t at = 0; at < text.size();) {
    const Character c = character_at(text, at);
    if (!is_alphanumeric(c.value)) end_word();
    (is_alphanumeric(c.value) ? word : out) += text.substr(at, c.length);
    at += c.length;
  }
  end_word();
  return out;
}

}  // namespace

std::vector<std::string> squad_words(std::string_view text) {
  return split_words(without_articles(without_punctuation(lower_case(text))));
}

SquadScore squad(std::string_view expected, std::string_view answer) {
  const std::vector<std::string> wanted = squad_words(expected), given = squad_words(answer);
  SquadScore score;
  score.exact_match = wanted == given ? 1 : 0;
  if (wanted.empty() || given.empty()) return {score.exact_match, score.exact_match};
  Numbering numbering;
  const std::size_t common =
      common_ngrams(count_ngrams(numbering.of(wanted), 1), count_ngrams(numbering.of(given), 1));
  if (common == 0) return score;
  const double precision = static_cast<double>(common) / static_cast<double>(given.size());
  const double recall = static_cast<double>(common) / static_cast<double>(wanted.size());
  score.f1 = 2 * precision * recall / (precision + recall);
  return score;
}

}  // namespace hone::eval
