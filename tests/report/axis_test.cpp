#include "launcher/report/axis.h"

#include <gtest/gtest.h>

namespace hone::report {
namespace {

std::vector<std::string> labels(const Axis& axis) {
  std::vector<std::string> texts;
  for (const Tick& tick : axis.ticks()) texts.push_back(tick.label);
  return texts;
}

using Labels = std::vector<std::string>;

TEST(Axis, TicksAreRoundNumbersThatHoldTheValues) {
  const Axis axis = Axis::linear({0.13, 4.7}, 5, true);
  EXPECT_EQ(labels(axis), (Labels{"0", "1", "2", "3", "4", "5"}));
  EXPECT_DOUBLE_EQ(axis.position(0), 0);
  EXPECT_DOUBLE_EQ(axis.position(5), 1);
}

TEST(Axis, StepsKeepTheirOwnEnds) {
  const Axis axis = Axis::linear({1, 80}, 4, false);
  EXPECT_EQ(labels(axis), (Labels{"20", "40", "60", "80"}));
  EXPECT_DOUBLE_EQ(axis.position(1), 0);
}

TEST(Axis, SmallNumbersShareOneFactor) {
  const Axis axis = Axis::linear({0, 2e-4}, 4, true);
  EXPECT_EQ(axis.factor(), "×10⁻⁴");
  EXPECT_EQ(labels(axis), (Labels{"0", "0.5", "1.0", "1.5", "2.0"}));
}

TEST(Axis, LargeNumbersTakeASuffix) {
  EXPECT_EQ(labels(Axis::linear({0, 2e6}, 4, true)), (Labels{"0", "0.5M", "1.0M", "1.5M", "2.0M"}));
  EXPECT_EQ(labels(Axis::linear({-4, 4}, 4, true)), (Labels{"−4", "−2", "0", "2", "4"}));
}

TEST(Axis, AConstantGetsARangeAroundIt) {
  const Axis axis = Axis::linear({2, 2}, 5, true);
  EXPECT_LT(axis.range().low, 2);
  EXPECT_GT(axis.range().high, 2);
  EXPECT_GE(axis.ticks().size(), 3u);
}

TEST(Axis, LogarithmicTicksAreOneTwoFiveOrPowersOfTen) {
  EXPECT_EQ(labels(Axis::logarithmic({0.5, 20})), (Labels{"0.5", "1", "2", "5", "10", "20"}));
  const Axis wide = Axis::logarithmic({1e-5, 100});
  EXPECT_EQ(wide.ticks().front().label, "10⁻⁵");
  EXPECT_LE(wide.ticks().size(), 8u);
  EXPECT_DOUBLE_EQ(Axis::logarithmic({1, 100}).position(10), 0.5);
}

TEST(Axis, AnyRangeHasFewTicksWithinItsEnds) {
  const double edges[] = {-1e299, -1e16, -3,        -1e-300,  0,    5e-324, 1e-12,
                          0.99,   1,     1 + 1e-15, 12345678, 1e16, 1e299};
  for (const double low : edges)
    for (const double high : edges) {
      if (high < low) continue;
      for (const bool to_ticks : {false, true}) {
        const Axis axis = Axis::linear({low, high}, 5, to_ticks);
        EXPECT_LE(axis.ticks().size(), 41u) << low << " " << high;
        EXPECT_GE(axis.position(low), -1e-6) << low << " " << high;
        EXPECT_LE(axis.position(high), 1 + 1e-6) << low << " " << high;
      }
      if (low > 0) {
        EXPECT_LE(Axis::logarithmic({low, high}).ticks().size(), 10u) << low << " " << high;
      }
    }
}

}  // namespace
}  // namespace hone::report
