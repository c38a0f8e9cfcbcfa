#pragma once
// Shapes that a captured graph serves. A micro-batch grows to the next shape of a coarse grid: at most an
// eighth more tokens, whose tail is sequences of their own that nobody is trained on, so every sum stays what
// it was.
#include "core/nn/batch_tensors.h"
#include "core/ports/token_batch.h"

namespace hone::train {

struct Bucket {
  nn::BatchShape shape;
  std::int64_t targets = 0;  // rows that meet the head
  auto operator<=>(const Bucket&) const = default;
};

// The smallest of 8, 9, ... 15 times a power of two that is at least `n`, and at least 64.
std::int64_t grid_above(std::int64_t n);

// Pure arithmetic. The batch is not empty; `targets` of its rows are trained on.
Bucket bucket_of(const nn::BatchShape& batch, std::int64_t targets);

// The batch in the bucket's shape: its own sequences first and unchanged, then the tail in sequences of at
// most `longest` tokens, then empty ones.
TokenBatch padded(const TokenBatch& batch, const nn::BatchShape& shape);

}  // namespace hone::train
