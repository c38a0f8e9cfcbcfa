#include "data/load/window_batch.h"

namespace hone::data {

TokenBatch window_batch(std::span<const std::int32_t> ids, const RowWindow& window, std::int64_t text) {
  TokenBatch batch;
  for (std::int64_t i = window.begin; i < window.end; ++i) {
    batch.tokens.push_back(ids[i]);
    batch.positions.push_back(static_cast<std::int32_t>(i - window.begin));
    batch.supervised.push_back(i >= window.first_target() ? 1 : 0);
  }
  batch.cu_seqlens.push_back(static_cast<std::int32_t>(batch.tokens.size()));
  batch.sample = {text}, batch.slot = {0}, batch.prefix = {-1};
  return batch;
}

Reading sliding_windows(std::int64_t length, std::int64_t stride) {
  Reading reading;
  reading.max_length = length;
  reading.chunk = true;
  reading.chunk_overlap = length - stride;
  return reading;
}

}  // namespace hone::data
