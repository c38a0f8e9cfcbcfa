#include "data/text/well_known_splitter.h"

#include "data/text/utf8.h"

namespace hone::data {
namespace {

bool is_other(char32_t c) { return !is_space(c) && !is_letter(c) && !is_number(c); }
bool is_newline(char32_t c) { return c == '\r' || c == '\n'; }

// End of the run of characters of a class, of at most `limit` characters.
template <class Class>
std::size_t run(std::string_view text, std::size_t at, Class belongs, std::size_t limit = ~std::size_t{0}) {
  for (; at < text.size() && limit > 0; --limit) {
    const CodePoint c = code_point_at(text, at);
    if (!belongs(c.value)) break;
    at += c.length;
  }
  return at;
}

// Length of 's 't 're 've 'm 'll 'd at `at`, 0 for none. U+017F (long s) folds to s where case is ignored.
std::size_t contraction(std::string_view text, std::size_t at, bool ignore_case) {
  if (text[at] != '\'') return 0;
  const auto letter = [&](std::size_t i) {
    if (at + i >= text.size()) return '\0';
    const char c = text[at + i];
    return ignore_case && c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  };
  const char a = letter(1);
  const char b = letter(2);
  if (a == 's' || a == 't' || a == 'm' || a == 'd') return 2;
  if ((a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l')) return 3;
  if (ignore_case && text.substr(at + 1, 2) == "\xC5\xBF") return 3;
  return 0;
}

// \s+(?!\S)|\s+ : the run without its last character where something follows it.
std::size_t white_space(std::string_view text, std::size_t at) {
  const std::size_t end = run(text, at, is_space);
  if (end == text.size()) return end;
  const std::size_t shorter = end - code_point_before(text, end).length;
  return shorter > at ? shorter : end;
}

// \s*[\r\n]+|\s+(?!\S)|\s+ : up to the last line end of the run, if it has one.
std::size_t white_space_by_lines(std::string_view text, std::size_t at) {
  std::size_t newline = at;
  std::size_t end = at;
  while (end < text.size()) {
    const CodePoint c = code_point_at(text, end);
    if (!is_space(c.value)) break;
    end += c.length;
    if (is_newline(c.value)) newline = end;
  }
  return newline > at ? newline : white_space(text, at);
}

std::size_t by_lines_match(std::string_view text, std::size_t at, std::size_t digits) {
  if (const auto length = contraction(text, at, true)) return at + length;
  const CodePoint first = code_point_at(text, at);
  if (is_letter(first.value)) return run(text, at, is_letter);
  if (is_number(first.value)) return run(text, at, is_number, digits);
  const std::size_t second = at + first.length;
  if (!is_newline(first.value)) {
    const std::size_t letters = run(text, second, is_letter);
    if (letters > second) return letters;
  }
  const std::size_t others = first.value == ' ' ? second : at;
  const std::size_t end = run(text, others, is_other);
  if (end > others) return run(text, end, is_newline);
  return white_space_by_lines(text, at);
}

}  // namespace

std::size_t gpt2_match(std::string_view text, std::size_t at) {
  if (const auto length = contraction(text, at, false)) return at + length;
  const std::size_t word = text[at] == ' ' && at + 1 < text.size() ? at + 1 : at;
  const char32_t c = code_point_at(text, word).value;
  if (is_letter(c)) return run(text, word, is_letter);
  if (is_number(c)) return run(text, word, is_number);
  if (is_other(c)) return run(text, word, is_other);
  return white_space(text, at);
}

std::size_t llama3_match(std::string_view text, std::size_t at) { return by_lines_match(text, at, 3); }
std::size_t qwen2_match(std::string_view text, std::size_t at) { return by_lines_match(text, at, 1); }

}  // namespace hone::data
