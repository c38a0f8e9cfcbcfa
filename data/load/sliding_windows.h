#pragma once
// A long text in overlapping windows, as transformers' guide to the perplexity of models of fixed length cuts
// it: windows of `length` tokens begin `stride` tokens apart, and the targets of each are the tokens that no
// window before it had. So every token but the first is a target once, with length - stride tokens or more
// before it (fewer where the text begins; where stride = length, the first token of each window is no
// target).
#include <cstdint>
#include <span>
#include <vector>

#include "core/ports/token_batch.h"

namespace hone::data {

struct Window {
  std::int64_t begin = 0, end = 0;  // tokens of the text
  std::int64_t first_target = 0;
};

// 1 <= stride <= length.
std::vector<Window> sliding_windows(std::int64_t tokens, std::int64_t length, std::int64_t stride);

// One sequence, of sample `text`.
TokenBatch window_batch(std::span<const std::int32_t> ids, const Window& window, std::int64_t text);

}  // namespace hone::data
