#pragma once
// The softmax of attention on CPUs, over one block of scores at a time. A block is [keys, kBlock] fp32: a
// query a lane, a key a row.
#include <cstdint>

#include "core/nn/block_gemm.h"

namespace hone::nn {

struct ScoreBlock {
  float* scores;
  std::int64_t keys, lanes;  // lanes: a multiple of 16, at most kBlock
  std::int64_t first_key;    // of the block among the sequence's
  const std::int32_t* seen;  // [kBlock] lane l sees keys before seen[l]; null: all see all of the block
  float scale = 1;           // of the scores, positive
};

// What is known of every lane after the blocks so far (Milakov and Gimelshein, arXiv:1805.02867).
struct RunningSoftmax {
  static constexpr float kNothing = -1e30f;  // below every score, and finite: differences with it are no NaN
  RunningSoftmax();
  alignas(64) float top[kBlock], sum[kBlock];  // the largest score and the sum of exp(score - top)
  alignas(64) float correction[kBlock];        // what the step before multiplies earlier sums by
};

// scores become exp(score - top), 0 where hidden: of a lane that has seen no key all are 0, and so is its sum.
void softmax_step(const ScoreBlock& block, RunningSoftmax& softmax);

// scores become probabilities, d_probs [keys, kBlock] their scores' gradients: p (dp - delta).
void softmax_backward(const ScoreBlock& block, const float* lse, const float* delta, float* d_probs);

}  // namespace hone::nn
