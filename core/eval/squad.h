#pragma once
// Exact match and token F1 as the SQuAD 1.1 script has them: texts are lower-cased, ASCII punctuation and the
// words a, an, the are taken out, and what is left is split at white space. No word in common gives F1 0;
// where a side has no word at all, F1 is whether both have none (as version 2's script).
#include <string>
#include <string_view>
#include <vector>

namespace hone::eval {

struct SquadScore {
  double exact_match = 0;  // 0 or 1
  double f1 = 0;
};

SquadScore squad(std::string_view expected, std::string_view answer);
std::vector<std::string> squad_words(std::string_view text);  // normalised

}  // namespace hone::eval
