#include <gtest/gtest.h>

#include <numeric>

#include "data/load/window_batch.h"

namespace hone::data {
namespace {

TEST(WindowBatch, SlidingWindowsScoreEveryTokenOnceWithTheContextThatTheStrideLeaves) {
  for (const auto& [tokens, length, stride] :
       {std::tuple(100, 10, 3), std::tuple(100, 10, 9), std::tuple(7, 10, 4), std::tuple(41, 8, 1),
        std::tuple(1, 4, 2)}) {
    const Reading reading = sliding_windows(length, stride);
    std::int64_t next = 1;  // nothing predicts the first token
    for (std::int64_t w = 0; w < window_count(tokens, reading); ++w) {
      const RowWindow window = window_of(tokens, w, reading);
      EXPECT_EQ(window.begin, w * stride);
      EXPECT_EQ(window.first_target(), next);
      EXPECT_LE(window.end - window.begin, length);
      if (w > 0) {
        EXPECT_GE(window.first_target() - window.begin, length - stride);
      }
      next = window.end;
    }
    EXPECT_EQ(next, tokens);
  }
}

TEST(WindowBatch, IsOneSequenceWithItsTargets) {
  std::vector<std::int32_t> ids(10);
  std::iota(ids.begin(), ids.end(), 100);
  const TokenBatch batch = window_batch(ids, {4, 9, 3}, 7);
  EXPECT_EQ(batch.tokens, (std::vector<std::int32_t>{104, 105, 106, 107, 108}));
  EXPECT_EQ(batch.positions, (std::vector<std::int32_t>{0, 1, 2, 3, 4}));
  EXPECT_EQ(batch.supervised, (std::vector<std::uint8_t>{0, 0, 0, 1, 1}));
  EXPECT_EQ(batch.cu_seqlens, (std::vector<std::int32_t>{0, 5}));
  EXPECT_EQ(batch.sample, std::vector<std::int64_t>{7});
}

}  // namespace
}  // namespace hone::data
