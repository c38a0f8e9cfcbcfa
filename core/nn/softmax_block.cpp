#include "core/nn/softmax_block.h"

#include <algorithm>
#include <limits>

#include "core/nn/cpu_math.h"
#include "core/nn/vector_exp.h"

namespace hone::nn {
namespace {

HONE_CLONES void hide(const ScoreBlock& block) {
  for (std::int64_t key = 0; key < block.keys; ++key) {
    float* row = block.scores + key * kBlock;
    const auto position = static_cast<std::int32_t>(block.first_key + key);
    for (std::int64_t l = 0; l < block.lanes; ++l)
      row[l] = position < block.seen[l] ? row[l] : -std::numeric_limits<float>::infinity();
  }
}

}  // namespace

RunningSoftmax::RunningSoftmax() {
  std::fill(top, top + kBlock, kNothing);
  std::fill(sum, sum + kBlock, 0.0f);
}

HONE_CLONES void softmax_step(const ScoreBlock& block, RunningSoftmax& softmax) {
  if (block.seen) hide(block);
  alignas(64) float top[kBlock], sum[kBlock];
  std::copy_n(softmax.top, kBlock, top);
  for (std::int64_t key = 0; key < block.keys; ++key) {
    const float* row = block.scores + key * kBlock;
    for (std::int64_t l = 0; l < block.lanes; ++l) {
      const float score = row[l] * block.scale;
      top[l] = score > top[l] ? score : top[l];
    }
  }
  for (std::int64_t l = 0; l < block.lanes; ++l) {
    softmax.correction[l] = vector_exp(softmax.top[l] - top[l]);
    sum[l] = softmax.sum[l] * softmax.correction[l];
  }
  for (std::int64_t key = 0; key < block.keys; ++key) {
    float* row = block.scores + key * kBlock;
    for (std::int64_t l = 0; l < block.lanes; ++l)
      sum[l] += row[l] = vector_exp(row[l] * block.scale - top[l]);
  }
  std::copy_n(top, block.lanes, softmax.top);
  std::copy_n(sum, block.lanes, softmax.sum);
}

HONE_CLONES void softmax_backward(const ScoreBlock& block, const float* lse, const float* delta,
                                  float* d_probs) {
  if (block.seen) hide(block);
  for (std::int64_t key = 0; key < block.keys; ++key) {
    float* row = block.scores + key * kBlock;
    float* d_row = d_probs + key * kBlock;
    for (std::int64_t l = 0; l < block.lanes; ++l) {
      row[l] = vector_exp(row[l] * block.scale - lse[l]);
      d_row[l] = row[l] * (d_row[l] - delta[l]);
    }
  }
}

}  // namespace hone::nn
