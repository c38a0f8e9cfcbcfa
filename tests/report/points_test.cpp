#include "launcher/report/points.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace hone::report {
namespace {

Points line(std::size_t count) {
  Points points;
  for (std::size_t i = 0; i < count; ++i) points.push_back({double(i), std::sin(double(i))});
  return points;
}

TEST(Points, DownsamplingKeepsEndsSpikesAndGaps) {
  Points points = line(100000);
  points[54321].y = 50;
  points[77777].y = NAN;
  const Points kept = downsampled(points, 1000);
  EXPECT_LE(kept.size(), 1000u);
  EXPECT_GT(kept.size(), 600u);
  EXPECT_EQ(kept.front(), points.front());
  EXPECT_EQ(kept.back(), points.back());
  EXPECT_TRUE(std::any_of(kept.begin(), kept.end(), [](const Point& p) { return p.y == 50; }));
  EXPECT_TRUE(std::any_of(kept.begin(), kept.end(), [](const Point& p) { return std::isnan(p.y); }));
  EXPECT_TRUE(
      std::is_sorted(kept.begin(), kept.end(), [](const Point& a, const Point& b) { return a.x < b.x; }));
}

TEST(Points, FewPointsStayAsTheyAre) { EXPECT_EQ(downsampled(line(1000), 1000), line(1000)); }

TEST(Points, SmoothingKeepsConstantsAndStraightLinesAndDoesNotLag) {
  Points flat(200, Point{0, 3}), slope;
  for (std::size_t i = 0; i < 200; ++i) slope.push_back({double(i), double(i)});
  for (const Point& p : smoothed(flat)) EXPECT_DOUBLE_EQ(p.y, 3);
  EXPECT_NEAR(smoothed(slope)[100].y, 100, 1e-6);
}

TEST(Points, AGapStaysAGapAndSpoilsNothing) {
  Points points(50, Point{0, 3});
  points[10].y = NAN, points[20].y = INFINITY;
  const Points smooth = smoothed(points);
  EXPECT_FALSE(drawable(smooth[10].y));
  EXPECT_FALSE(drawable(smooth[20].y));
  EXPECT_DOUBLE_EQ(smooth[30].y, 3);
  EXPECT_DOUBLE_EQ(range_of_y(points)->high, 3);
  EXPECT_FALSE(range_of_y({{0, NAN}}).has_value());
}

TEST(Points, NearestIsWithinReachAndDrawable) {
  const Points points = {{1, 10}, {5, 50}, {6, NAN}};
  EXPECT_EQ(nearest(points, 4, 2)->x, 5);
  EXPECT_FALSE(nearest(points, 3, 1).has_value());
  EXPECT_FALSE(nearest(points, 6, 0.5).has_value());
  EXPECT_FALSE(nearest({}, 6, 1).has_value());
}

}  // namespace
}  // namespace hone::report
