#include "core/eval/words.h"

#include <utf8proc.h>

#include <algorithm>

namespace hone::eval {
namespace {

void append(std::int32_t character, std::string& out) {
  utf8proc_uint8_t bytes[4];
  const auto length = utf8proc_encode_char(character, bytes);
  out.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(length));
}

constexpr std::int32_t kDottedCapitalI = 0x130, kCombiningDot = 0x307;

}  // namespace

Character character_at(std::string_view text, std::size_t at) {
  utf8proc_int32_t value = -1;
  const auto length = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data() + at),
                                       static_cast<utf8proc_ssize_t>(text.size() - at), &value);
  return length > 0 ? Character{value, static_cast<std::size_t>(length)} : Character{};
}

bool is_white_space(std::int32_t c) {
  if (c < 0x80) return c == ' ' || (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x1F);
  return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
         c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

bool is_alphanumeric(std::int32_t c) {
  if (c < 0) return false;
  const utf8proc_category_t category = utf8proc_category(c);
  return (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO) ||
         (category >= UTF8PROC_CATEGORY_ND && category <= UTF8PROC_CATEGORY_NO);
}

std::string lower_case(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const Character c = character_at(text, at);
    if (c.value < 0) {
      out += text[at];
    } else if (c.value == kDottedCapitalI) {  // the one character whose lower case is two
      append('i', out), append(kCombiningDot, out);
    } else {
      append(utf8proc_tolower(c.value), out);
    }
    at += c.length;
  }
  return out;
}

std::string_view trim(std::string_view text) {
  std::size_t begin = text.size(), end = 0;
  for (std::size_t at = 0; at < text.size();) {
    const Character c = character_at(text, at);
    if (!is_white_space(c.value)) {
      begin = std::min(begin, at);
      end = at + c.length;
    }
    at += c.length;
  }
  return begin < end ? text.substr(begin, end - begin) : text.substr(0, 0);
}

std::vector<std::string> split_words(std::string_view text) {
  std::vector<std::string> words;
  bool inside = false;
  for (std::size_t at = 0; at < text.size();) {
    const Character c = character_at(text, at);
    const bool space = is_white_space(c.value);
    if (!space && !inside) words.emplace_back();
    if (!space) words.back() += text.substr(at, c.length);
    inside = !space;
    at += c.length;
  }
  return words;
}

Words Numbering::of(const std::vector<std::string>& words) {
  Words numbers;
  numbers.reserve(words.size());
  for (const std::string& word : words)
    numbers.push_back(numbers_.try_emplace(word, static_cast<int>(numbers_.size())).first->second);
  return numbers;
}

Ngrams count_ngrams(const Words& words, std::size_t n) {
  Ngrams counts;
  for (auto first = words.begin(); words.end() - first >= static_cast<std::ptrdiff_t>(n); ++first)
    ++counts[Words(first, first + static_cast<std::ptrdiff_t>(n))];
  return counts;
}

std::size_t common_ngrams(const Ngrams& wanted, const Ngrams& given) {
  std::size_t common = 0;
  for (const auto& [ngram, count] : given)
    if (const auto found = wanted.find(ngram); found != wanted.end())
      common += std::min(count, found->second);
  return common;
}

}  // namespace hone::eval
