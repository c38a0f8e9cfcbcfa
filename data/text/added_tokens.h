#pragma once
// Finds added tokens inside a text: leftmost, then longest, with the white-space and whole-word rules each
// one states.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "data/text/tokenizer_spec.h"

namespace hone::data {

// A stretch of a text: an added token, or (id < 0) what lies between them.
struct Stretch {
  std::int32_t id = -1;
  std::size_t begin = 0;
  std::size_t end = 0;
};

// Immutable after the last add(); used by many threads at once.
class AddedTokenMatcher {
 public:
  void add(const AddedToken& token, std::string_view content);  // content: as it is looked for
  bool empty() const { return tokens_.empty(); }
  std::vector<Stretch> split(std::string_view text) const;

 private:
  struct Found {
    const AddedToken* token = nullptr;
    std::size_t end = 0;
  };
  Found longest_at(std::string_view text, std::size_t at) const;

  std::vector<AddedToken> tokens_;
  std::unordered_map<std::uint64_t, std::uint32_t> edges_;  // node * 256 + byte -> node; the root is 0
  std::vector<std::int32_t> token_at_node_{-1};
  bool first_[256] = {};
};

}  // namespace hone::data
