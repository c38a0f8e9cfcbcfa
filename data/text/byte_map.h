#pragma once
// GPT-2's byte alphabet: every byte as one printable character, so that a vocabulary is plain text.
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hone::data {

// UTF-8 of the character that stands for each byte.
const std::array<std::string, 256>& byte_characters();
// The bytes a vocabulary entry stands for; nullopt where a character is not of the alphabet.
std::optional<std::string> bytes_of_token(std::string_view token);

}  // namespace hone::data
