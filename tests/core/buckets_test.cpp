// Shapes of captured graphs: arithmetic, and that padding changes no sum.
#include "core/train/buckets.h"

#include <gtest/gtest.h>

#include "tests/core/fakes.h"

namespace hone::test {

using train::bucket_of;
using train::grid_above;

TEST(Buckets, GridWastesAtMostAnEighth) {
  EXPECT_EQ(grid_above(1), 64);
  EXPECT_EQ(grid_above(65), 72);
  EXPECT_EQ(grid_above(2048), 2048);
  EXPECT_EQ(grid_above(2049), 2304);
  for (std::int64_t n = 64; n < 5000; ++n) {
    const std::int64_t up = grid_above(n);
    EXPECT_GE(up, n);
    EXPECT_LE(up - n, n / 8);
    EXPECT_EQ(grid_above(up), up) << n;
  }
}

TEST(Buckets, HoldTheBatchItsTailAndNothingLess) {
  for (const std::int64_t tokens : {1, 63, 64, 65, 1000, 2047, 2048, 16385}) {
    for (const std::int64_t longest : {1, 60, 64, 65, 512, 2048}) {
      if (longest > tokens) continue;
      const std::int64_t sequences = (tokens + longest - 1) / longest;
      const train::Bucket bucket = bucket_of({tokens, sequences, longest}, tokens / 2);
      const std::int64_t tail = bucket.shape.tokens - tokens;
      EXPECT_GE(tail, 0);
      EXPECT_GE(bucket.shape.longest, longest);
      EXPECT_LE(bucket.shape.longest, bucket.shape.tokens);
      EXPECT_LE(tail, (bucket.shape.sequences - sequences) * bucket.shape.longest);
      EXPECT_LE(bucket.targets, bucket.shape.tokens);
      EXPECT_GE(bucket.targets, tokens / 2);
    }
  }
}

TEST(Buckets, BatchesOfOneBucketAreTold) {
  EXPECT_EQ(bucket_of({2000, 5, 700}, 1500), bucket_of({2010, 6, 900}, 1510));
  EXPECT_NE(bucket_of({2000, 5, 700}, 1500), bucket_of({2000, 5, 1100}, 1500));
}

TEST(Buckets, PaddedBatchKeepsItsSequencesAndAddsUntrainedOnes) {
  const TokenBatch batch = batch_of(Golden("forward_backward.safetensors"), 0, 3);
  const nn::BatchShape shape = bucket_of(nn::shape_of(batch), 1).shape;
  const TokenBatch full = train::padded(batch, shape);
  ASSERT_EQ(full.token_count(), shape.tokens);
  ASSERT_EQ(full.sequence_count(), shape.sequences);
  EXPECT_TRUE(std::equal(batch.tokens.begin(), batch.tokens.end(), full.tokens.begin()));
  EXPECT_TRUE(std::equal(batch.cu_seqlens.begin(), batch.cu_seqlens.end(), full.cu_seqlens.begin()));
  EXPECT_EQ(full.cu_seqlens.back(), shape.tokens);
  EXPECT_LE(nn::shape_of(full).longest, shape.longest);
  EXPECT_EQ(target_rows(full).row, target_rows(batch).row);
  for (std::int64_t t = batch.token_count(); t < full.token_count(); ++t) EXPECT_EQ(full.supervised[t], 0);
}

TEST(Buckets, PaddingChangesNeitherLossNorGradients) {
  const TokenBatch batch = batch_of(Golden("forward_backward.safetensors"), 0, 3);
  const TokenBatch full = train::padded(batch, bucket_of(nn::shape_of(batch), 1).shape);
  for (const bool adapter : {false, true}) {
    TinyRun plain(adapter ? lora_spec(0.2) : full_spec()), padded(adapter ? lora_spec(0.2) : full_spec());
    plain.gradients.begin_step();
    padded.gradients.begin_step();
    const double loss = plain.objective->train(plain.model, batch, 0.25, plain.gradients);
    EXPECT_NEAR(padded.objective->train(padded.model, full, 0.25, padded.gradients), loss, 1e-6 * loss);
    for (std::size_t p = 0; p < plain.model.arena().layout().parameters.size(); ++p)
      EXPECT_LT(relative_error(padded.gradients.gradient(p), plain.gradients.gradient(p)), 2e-6);
  }
}

}  // namespace hone::test
