#include "core/eval/answer_errors.h"

#include <utility>

#include "core/eval/words.h"

namespace hone::eval {
namespace {

constexpr std::size_t kRun = 4;             // words
constexpr double kRepetitive = 0.3;         // a passage of seven words or more that is there twice
constexpr std::size_t kExampleBytes = 300;  // of an answer shown as an example

bool always(const AnswerRules&) { return true; }

bool is_apostrophe(std::int32_t c) { return c == '\'' || c == 0x2019; }

bool is_known(std::string_view word, const std::unordered_set<std::string>& word_list) {
  const std::string lower = lower_case(word);
  if (word_list.contains(lower)) return true;
  return lower.ends_with("'s") && word_list.contains(lower.substr(0, lower.size() - 2));
}

// Letters and digits, and apostrophes (as ') between them.
std::vector<std::string> spelt_words(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  bool apostrophe = false;
  const auto end_word = [&] {
    if (!word.empty()) words.push_back(std::exchange(word, {}));
    apostrophe = false;
  };
  for (std::size_t at = 0; at < text.size();) {
    const Character c = character_at(text, at);
    if (is_alphanumeric(c.value)) {
      if (std::exchange(apostrophe, false)) word += '\'';
      word += text.substr(at, c.length);
    } else if (is_apostrophe(c.value) && !word.empty() && !apostrophe) {
      apostrophe = true;
    } else {
      end_word();
    }
    at += c.length;
  }
  end_word();
  return words;
}

std::string beginning(std::string_view text) {
  if (text.size() <= kExampleBytes) return std::string(text);
  std::size_t end = kExampleBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end)) + "…";
}

}  // namespace

std::span<const AnswerCheck> answer_checks() {
  static constexpr AnswerCheck kChecks[] = {
      {"empty", "Empty", "nothing but white space", always, [](const AnswerFacts& f) { return f.empty; }},
      {"too_long", "Too long", "not at its end after max_new_tokens", always,
       [](const AnswerFacts& f) { return f.cut_off; }},
      {"repetitive", "Repetitive", "30 % or more of its runs of four words were there before", always,
       [](const AnswerFacts& f) { return f.repetition >= kRepetitive; }},
      {"misspelt", "Misspelt", "a word that is not in the word list",
       [](const AnswerRules& rules) { return !rules.word_list.empty(); },
       [](const AnswerFacts& f) { return f.spelling.unknown > 0; }},
      {"not_a_label", "Not a label", "none of the answers that may be given",
       [](const AnswerRules& rules) { return !rules.labels.empty(); },
       [](const AnswerFacts& f) { return !f.is_label; }},
  };
  return kChecks;
}

double repetition(std::string_view text) {
  const Words words = Numbering().of(split_words(text));
  if (words.size() < kRun) return 0;
  const auto runs = static_cast<double>(words.size() - kRun + 1);
  return 1 - static_cast<double>(count_ngrams(words, kRun).size()) / runs;
}

Spelling check_spelling(std::string_view text, const std::unordered_set<std::string>& word_list) {
  Spelling spelling;
  for (const std::string& word : spelt_words(text)) {
    if (word.find_first_of("0123456789") != std::string::npos) continue;
    ++spelling.words;
    if (!is_known(word, word_list)) ++spelling.unknown;
  }
  return spelling;
}

ErrorAnalysis::ErrorAnalysis(const AnswerRules& rules) : rules_(rules) {
  for (const AnswerCheck& check : answer_checks())
    if (check.looked_for(rules)) sums_.failing[check.key] = 0;
}

std::vector<std::string> ErrorAnalysis::add(std::string_view answer, bool cut_off) {
  AnswerFacts facts{trim(answer).empty(),
                    cut_off,
                    repetition(answer),
                    {},
                    rules_.labels.contains(std::string(trim(answer)))};
  if (!rules_.word_list.empty()) facts.spelling = check_spelling(answer, rules_.word_list);
  std::vector<std::string> keys;
  for (const AnswerCheck& check : answer_checks())
    if (check.looked_for(rules_) && check.fails(facts)) keys.push_back(check.key);
  for (const std::string& key : keys) {
    ++sums_.failing[key];
    sums_.example.try_emplace(key, beginning(answer));
  }
  ++sums_.answers;
  if (!keys.empty()) ++sums_.with_errors;
  sums_.repetition += facts.repetition;
  spelling_.words += facts.spelling.words, spelling_.unknown += facts.spelling.unknown;
  return keys;
}

AnswerErrors ErrorAnalysis::errors() const {
  AnswerErrors errors = sums_;
  if (errors.answers > 0) errors.repetition /= static_cast<double>(errors.answers);
  if (spelling_.words > 0)
    errors.unknown_words = static_cast<double>(spelling_.unknown) / static_cast<double>(spelling_.words);
  return errors;
}

}  // namespace hone::eval
