#pragma once
// Text as the metrics' own scripts take it apart (they are Python). Invalid UTF-8 is never an error: its
// bytes are letters of no script.
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace hone::eval {

// A character at a time; a byte that begins no valid character is a character of its own, with value -1.
struct Character {
  std::int32_t value = -1;
  std::size_t length = 1;  // bytes
};
Character character_at(std::string_view text, std::size_t at);

bool is_white_space(std::int32_t character);    // as str.isspace
bool is_alphanumeric(std::int32_t character);   // as str.isalnum: a letter or a number of any script
std::string lower_case(std::string_view text);  // as str.lower, but for a capital sigma that ends a word
std::string_view trim(std::string_view text);   // as str.strip; a part of `text`
std::vector<std::string> split_words(std::string_view text);  // as str.split: at white space

// Texts are compared as numbers: a number for each distinct word, one numbering for all texts compared.
using Words = std::vector<int>;
class Numbering {
 public:
  Words of(const std::vector<std::string>& words);

 private:
  std::unordered_map<std::string, int> numbers_;
};

using Ngrams = std::map<Words, std::size_t>;  // n words in a row, and how often
Ngrams count_ngrams(const Words& words, std::size_t n);

// How many n-grams of `given` are in `wanted` too, each at most as often as there.
std::size_t common_ngrams(const Ngrams& wanted, const Ngrams& given);

}  // namespace hone::eval
