#pragma once
// Cuts a normalised text into the pieces within which BPE merges.
#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "data/text/splitter.h"
#include "data/text/tokenizer_spec.h"

namespace hone::data {

struct Piece {
  std::string_view text;
  std::size_t begin = 0;  // where its first own byte stands in the text that was cut
  bool prefixed = false;  // text[0] is a space that was put before it
  std::size_t source(std::size_t at) const { return prefixed ? begin + (at > 0 ? at - 1 : 0) : begin + at; }
};

// Immutable; used by many threads at once.
class PreTokenizer {
 public:
  PreTokenizer(const std::vector<PreTokenizerStep>& steps, const std::string& where);
  // `storage` keeps the texts that had to be made; pieces view `text` or it.
  std::vector<Piece> cut(std::string_view text, std::deque<std::string>& storage) const;

 private:
  struct Step {
    std::unique_ptr<const Splitter> splitter;  // none: no cut
    SplitBehavior behavior = SplitBehavior::isolated;
    bool invert = false;
    bool add_prefix_space = false;
  };
  std::vector<Step> steps_;
};

}  // namespace hone::data
