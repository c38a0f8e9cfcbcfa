#pragma once
// Unicode normalisation that remembers where each byte came from.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data/text/tokenizer_spec.h"

namespace hone::data {

struct NormalizedText {
  std::string text;
  // Per byte of `text` the begin and end of what it was made of; empty: the text is as it was.
  std::vector<std::size_t> begins, ends;

  std::size_t source_begin(std::size_t at) const { return begins.empty() ? at : begins[at]; }
  std::size_t source_end(std::size_t end) const { return ends.empty() || end == 0 ? end : ends[end - 1]; }
};

NormalizedText normalize(std::string_view text, const std::vector<Normalization>& steps);

}  // namespace hone::data
