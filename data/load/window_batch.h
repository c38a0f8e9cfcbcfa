#pragma once
// One window of a text as a batch of one sequence, of sample `text`; its targets are those of the window.
//
// Perplexity in sliding windows, as transformers' guide on models of fixed length cuts a text, is over the windows of
// window_of() with chunk_overlap = max_length - stride: each scores the tokens that none before it scored.
#include <cstdint>
#include <span>

#include "core/ports/token_batch.h"
#include "data/shard/reading.h"

namespace hone::data {

TokenBatch window_batch(std::span<const std::int32_t> ids, const RowWindow& window, std::int64_t text);

// How a text is read in windows of `length` tokens that begin `stride` tokens apart; 1 <= stride <= length.
Reading sliding_windows(std::int64_t length, std::int64_t stride);

}  // namespace hone::data
