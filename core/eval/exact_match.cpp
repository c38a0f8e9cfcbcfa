#include "core/eval/exact_match.h"

namespace hone::eval {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\n\r\v\f";
  const auto first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

}  // namespace

bool exact_match(std::string_view expected, std::string_view answer) {
  return trimmed(expected) == trimmed(answer);
}

}  // namespace hone::eval
