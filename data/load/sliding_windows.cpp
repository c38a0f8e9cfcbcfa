#include "data/load/sliding_windows.h"

#include <algorithm>

#include "core/base/error.h"

namespace hone::data {

std::vector<Window> sliding_windows(std::int64_t tokens, std::int64_t length, std::int64_t stride) {
  HONE_CHECK(stride >= 1 && stride <= length);
  std::vector<Window> windows;
  std::int64_t done = 0;  // tokens that were targets, or the first
  for (std::int64_t begin = 0; done < tokens; begin += stride) {
    const std::int64_t end = std::min(begin + length, tokens);
    windows.push_back({begin, end, done});
    done = end;
  }
  return windows;
}

TokenBatch window_batch(std::span<const std::int32_t> ids, const Window& window, std::int64_t text) {
  TokenBatch batch;
  for (std::int64_t i = window.begin; i < window.end; ++i) {
    batch.tokens.push_back(ids[i]);
    batch.positions.push_back(static_cast<std::int32_t>(i - window.begin));
    batch.supervised.push_back(i >= window.first_target ? 1 : 0);
  }
  batch.cu_seqlens.push_back(static_cast<std::int32_t>(batch.tokens.size()));
  batch.sample = {text}, batch.slot = {0}, batch.prefix = {-1};
  return batch;
}

}  // namespace hone::data
