#pragma once
// What can be seen to be wrong with generated answers whatever was asked: the list of checks, and how many
// answers of a set fail each.
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace hone::eval {

struct AnswerRules {
  std::unordered_set<std::string> word_list;  // lower case; empty: spelling is not looked at
  std::set<std::string> labels;               // the answers that may be given; empty: any
};

// Share of the runs of four words that were there before in the same text (1 - distinct / all); 0 under four
// words.
double repetition(std::string_view text);

// Words are runs of letters, apostrophes inside included; runs with a digit in them are left out. A word is
// known as it stands in the list, or without a final 's.
struct Spelling {
  std::int64_t words = 0, unknown = 0;
};
Spelling check_spelling(std::string_view text, const std::unordered_set<std::string>& word_list);

// One answer as the checks see it.
struct AnswerFacts {
  bool empty = false;
  bool cut_off = false;
  double repetition = 0;
  Spelling spelling;
  bool is_label = false;
};

struct AnswerCheck {
  const char* key;
  const char* title;
  const char* meaning;
  bool (*looked_for)(const AnswerRules& rules);
  bool (*fails)(const AnswerFacts& facts);
};
std::span<const AnswerCheck> answer_checks();

struct AnswerErrors {
  std::int64_t answers = 0;
  std::int64_t with_errors = 0;                 // that fail any check
  std::map<std::string, std::int64_t> failing;  // by key, of the checks that were looked for
  std::map<std::string, std::string> example;   // by key: the first answer that fails
  double repetition = 0;                        // mean over answers
  double unknown_words = 0;                     // share of all words; 0 without a word list
};

class ErrorAnalysis {
 public:
  explicit ErrorAnalysis(const AnswerRules& rules);  // kept by reference
  // `cut_off`: its length limit ended the answer. Returns the keys of the checks it fails.
  std::vector<std::string> add(std::string_view answer, bool cut_off);
  AnswerErrors errors() const;

 private:
  const AnswerRules& rules_;
  AnswerErrors sums_;
  Spelling spelling_;
};

}  // namespace hone::eval
