#include "launcher/report/number_text.h"

#include <gtest/gtest.h>

#include <cmath>

namespace hone::report {
namespace {

TEST(NumberText, CountsAreGroupedByThinSpaces) {
  EXPECT_EQ(count_text(0), "0");
  EXPECT_EQ(count_text(999), "999");
  EXPECT_EQ(count_text(1280), "1\u202f280");
  EXPECT_EQ(count_text(-53000123), "−53\u202f000\u202f123");
  EXPECT_EQ(short_count_text(4884480), "4.88\u202fM");
  EXPECT_EQ(short_count_text(55132), "55\u202f132");
}

TEST(NumberText, RoundsToTheDigitsAskedForWithoutNoise) {
  EXPECT_EQ(rounded_text(0.1 + 0.2), "0.3");
  EXPECT_EQ(rounded_text(0.41239999999), "0.4124");
  EXPECT_EQ(rounded_text(12345.678), "12\u202f346");
  EXPECT_EQ(rounded_text(-2.5), "−2.5");
  EXPECT_EQ(rounded_text(0.0002), "2×10⁻⁴");
  EXPECT_EQ(rounded_text(1.2345e-10, 3), "1.23×10⁻¹⁰");
  EXPECT_EQ(rounded_text(9.99996), "10");
  EXPECT_EQ(rounded_text(0), "0");
}

TEST(NumberText, WhatWasNotMeasuredIsADash) {
  const double nan = std::nan("");
  for (const std::string& text : {rounded_text(nan), decimals_text(nan, 3), percent_text(nan),
                                  duration_text(nan), bytes_text(nan), short_count_text(INFINITY)})
    EXPECT_EQ(text, "–");
}

TEST(NumberText, DurationsTakeTheUnitThatFits) {
  EXPECT_EQ(duration_text(0.34), "340\u202fms");
  EXPECT_EQ(duration_text(0.99999), "1.00\u202fs");
  EXPECT_EQ(duration_text(12.34), "12.3\u202fs");
  EXPECT_EQ(duration_text(59.97), "1\u202fmin 00\u202fs");
  EXPECT_EQ(duration_text(252), "4\u202fmin 12\u202fs");
  EXPECT_EQ(duration_text(3780), "1\u202fh 03\u202fmin");
  EXPECT_EQ(duration_text(200000), "2\u202fd 08\u202fh");
}

TEST(NumberText, BytesTakeTheUnitThatFits) {
  EXPECT_EQ(bytes_text(512), "512\u202fB");
  EXPECT_EQ(bytes_text(1.25 * 1024 * 1024 * 1024), "1.25\u202fGiB");
}

}  // namespace
}  // namespace hone::report
