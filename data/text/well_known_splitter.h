#pragma once
// The shared pre-tokenizer patterns by hand. Each function gives the end of the match that begins at `at`;
// these patterns match everywhere.
#include <cstddef>
#include <string_view>

namespace hone::data {

std::size_t gpt2_match(std::string_view text, std::size_t at);
std::size_t llama3_match(std::string_view text, std::size_t at);  // digits in threes
std::size_t qwen2_match(std::string_view text, std::size_t at);   // digits alone

}  // namespace hone::data
