#pragma once
// Tells which of the known chat templates a model's Jinja text is.
#include <optional>
#include <string>
#include <string_view>

namespace hone::data {

// The name, or nullopt. Two texts count as the same where they differ only in white space that Jinja drops,
// quotes, ways to write a member or a concatenation, and marks of the generated part; nothing else is
// guessed.
std::optional<std::string> recognize_template(std::string_view jinja);

// The form that is compared, for tests.
std::string canonical_template(std::string_view jinja);

}  // namespace hone::data
