#pragma once
// UTF-8 and the character classes that pre-tokenizers ask for (Unicode categories by utf8proc).
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace hone::data {

struct CodePoint {
  char32_t value = 0;
  std::size_t length = 0;  // bytes
};

// Of valid UTF-8 with at < text.size().
CodePoint code_point_at(std::string_view text, std::size_t at);
CodePoint code_point_before(std::string_view text, std::size_t end);  // end > 0
void append_utf8(char32_t value, std::string& out);

bool is_valid_utf8(std::string_view text);
// Each maximal invalid part becomes one U+FFFD, as Python's errors="replace" does.
std::string replace_invalid_utf8(std::string_view text);

bool is_letter(char32_t c);  // L
bool is_number(char32_t c);  // N
bool is_space(char32_t c);   // White_Space
bool is_word(char32_t c);    // \w: letters, marks, digits, connectors, joiners

}  // namespace hone::data
