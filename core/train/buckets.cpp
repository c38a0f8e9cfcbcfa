#include "core/train/buckets.h"

#include <algorithm>
#include <bit>

#include "core/base/error.h"

namespace hone::train {
namespace {

constexpr std::int64_t kSmallest = 64, kFewestSequences = 8;

std::int64_t power_of_two_above(std::int64_t n) {
  return static_cast<std::int64_t>(std::bit_ceil(static_cast<std::uint64_t>(n)));
}

std::int64_t ceil_div(std::int64_t n, std::int64_t by) { return (n + by - 1) / by; }

}  // namespace

std::int64_t grid_above(std::int64_t n) {
  if (n <= kSmallest) return kSmallest;
  const std::int64_t step = power_of_two_above(n) / 16;
  return ceil_div(n, step) * step;
}

Bucket bucket_of(const nn::BatchShape& batch, std::int64_t targets) {
  Bucket bucket;
  bucket.shape.tokens = grid_above(batch.tokens);
  bucket.shape.longest =  // attention takes no bound beyond all tokens
      std::min(std::max(kSmallest, power_of_two_above(batch.longest)), bucket.shape.tokens);
  const std::int64_t tail = ceil_div(bucket.shape.tokens - batch.tokens, bucket.shape.longest);
  bucket.shape.sequences = std::max(kFewestSequences, power_of_two_above(batch.sequences + tail));
  bucket.targets = std::min(grid_above(targets), bucket.shape.tokens);
  return bucket;
}

TokenBatch padded(const TokenBatch& batch, const nn::BatchShape& shape) {
  TokenBatch out = batch;
  while (out.sequence_count() < shape.sequences) {
    const std::int64_t length = std::min(shape.longest, shape.tokens - out.token_count());
    for (std::int64_t t = 0; t < length; ++t) out.positions.push_back(static_cast<std::int32_t>(t));
    out.tokens.resize(out.positions.size(), 0);
    out.supervised.resize(out.positions.size(), 0);
    if (!batch.token_types.empty()) out.token_types.resize(out.positions.size(), 0);
    out.cu_seqlens.push_back(static_cast<std::int32_t>(out.positions.size()));
    out.sample.push_back(0);
    out.slot.push_back(0);
    out.prefix.push_back(-1);
  }
  HONE_CHECK(out.token_count() == shape.tokens && out.sequence_count() == shape.sequences);
  return out;
}

}  // namespace hone::train
