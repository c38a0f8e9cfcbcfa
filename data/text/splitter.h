#pragma once
// Finds the matches of a pre-tokenizer's pattern in a text. The patterns that models share are written out by
// hand (linear, no engine); any other runs in PCRE2 with limits.
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace hone::data {

constexpr std::string_view kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
constexpr std::string_view kLlama3Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kQwen2Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

struct Range {
  std::size_t begin = 0;
  std::size_t end = 0;
};

// Immutable; used by many threads at once.
class Splitter {
 public:
  virtual ~Splitter() = default;
  // Matches in order, not overlapping; an empty one marks a place to cut.
  virtual void find(std::string_view text, std::vector<Range>& matches) const = 0;
};

// Throws Error(Exit::input, "TK007") for a pattern that does not compile or is too long. Its find() throws
// TK008 where a pattern takes more steps than allowed.
std::unique_ptr<const Splitter> make_regex_splitter(const std::string& pattern, const std::string& where);
std::unique_ptr<const Splitter> make_literal_splitter(const std::string& text);
std::unique_ptr<const Splitter> make_number_splitter();  // every character of category N by itself

}  // namespace hone::data
