// How often, how long, and when the time is over.
#include "core/train/spans.h"

#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/train/time_limit.h"

namespace hone::test {

using train::parse_duration;
using train::parse_interval;

TEST(Interval, IsReadInStepsOrEpochs) {
  EXPECT_EQ(parse_interval("k", "200").steps, 200);
  EXPECT_EQ(parse_interval("k", "1e").epochs, 1.0);
  EXPECT_EQ(parse_interval("k", "0.25e").epochs, 0.25);
  EXPECT_EQ(parse_interval("k", "3e").steps, 0);
  for (const char* bad :
       {"", "0", "-1", "0e", "-1e", "e", "1.5", "1ee", "1 e", "nane", "infe", "1e5", "99999999999999999999"})
    EXPECT_THROW(parse_interval("train.eval_every", bad), Error) << bad;
}

TEST(Interval, IsDueWhereItsEndIsPassed) {
  const train::Interval half{0, 0.5}, third{0, 1.0 / 3};
  EXPECT_FALSE(half.due(1, 0.0, 0.4));
  EXPECT_TRUE(half.due(1, 0.4, 0.5));
  EXPECT_TRUE(half.due(1, 0.4, 0.6));
  EXPECT_FALSE(half.due(1, 0.5, 0.9));
  EXPECT_TRUE(half.due(1, 0.9, 1.0));
  int times = 0;  // ten epochs of seven steps: no third is lost to rounding
  for (int step = 0; step < 70; ++step) times += third.due(step + 1, step / 7.0, (step + 1) / 7.0);
  EXPECT_EQ(times, 30);
  EXPECT_TRUE(train::Interval{}.never());
  EXPECT_FALSE(train::Interval{}.due(1, 0, 9));
}

TEST(Duration, IsReadInSecondsUnitsOrAsAClock) {
  EXPECT_EQ(parse_duration("k", "90"), 90);
  EXPECT_EQ(parse_duration("k", "0.5"), 0.5);
  EXPECT_EQ(parse_duration("k", "90s"), 90);
  EXPECT_EQ(parse_duration("k", "3h30m"), 12600);
  EXPECT_EQ(parse_duration("k", "1.5h"), 5400);
  EXPECT_EQ(parse_duration("k", "1d2h3m4s"), 93784);
  EXPECT_EQ(parse_duration("k", "03:30:05"), 12605);
  EXPECT_EQ(parse_duration("k", "100:00:00"), 360000);
  for (const char* bad : {"", "0", "-5", "3h30", "30m3h", "3h3h", "h", "3x", "3:30", "1:60:00", "1:00:60",
                          "1:2:3:4", "-1:00:00", "nan", "inf", "1h 2m", "0s", "1e400"})
    EXPECT_THROW(parse_duration("train.max_time", bad), Error) << bad;
}

TEST(TimeLimit, LeavesTimeForALongestStepAndASave) {
  train::TimeLimit limit(100.0, 10.0);
  EXPECT_FALSE(limit.over(20));  // steps of 10
  EXPECT_FALSE(limit.over(30));
  EXPECT_FALSE(limit.over(50));  // one of 20, with an evaluation
  EXPECT_FALSE(limit.over(60));
  EXPECT_TRUE(limit.over(61));  // 39 left: less than twice 20
  train::TimeLimit slow_disk(100.0, 10.0);
  EXPECT_FALSE(slow_disk.over(20, 60));
  EXPECT_TRUE(slow_disk.over(21, 60));  // 79 left: less than twice 10 and 60
  train::TimeLimit none(std::nullopt, 0);
  EXPECT_FALSE(none.over(1e9, 1e9));
}

TEST(TimeLimit, IsOverAtOnceWhereNothingIsLeft) { EXPECT_TRUE(train::TimeLimit(5.0, 6.0).over(7.0)); }

}  // namespace hone::test
