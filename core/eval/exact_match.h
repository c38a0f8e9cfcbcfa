#pragma once
// Whether an answer is the expected one: byte-equal once white space is trimmed from both ends.
#include <string_view>

namespace hone::eval {

bool exact_match(std::string_view expected, std::string_view answer);

}  // namespace hone::eval
