#include "core/eval/exact_match.h"

#include "core/eval/words.h"

namespace hone::eval {

bool exact_match(std::string_view expected, std::string_view answer) {
  return trim(expected) == trim(answer);
}

}  // namespace hone::eval
