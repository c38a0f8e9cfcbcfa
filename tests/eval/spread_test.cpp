#include "core/eval/spread.h"

#include <gtest/gtest.h>

namespace hone::eval {

TEST(Spread, IsMeanAndSampleDeviation) {
  const double values[] = {2, 4, 4, 4, 5, 5, 7, 9};  // statistics.stdev says 2.138089935299395
  EXPECT_DOUBLE_EQ(spread_of(values).mean, 5);
  EXPECT_DOUBLE_EQ(spread_of(values).deviation, 2.138089935299395);
  EXPECT_EQ(spread_of(std::span(values, 1)).deviation, 0);
}

}  // namespace hone::eval
