#include "launcher/report/points.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace hone::report {
namespace {

// Appends the lowest, the highest and the first undrawable of [begin, end), in the order they stand.
void keep_extremes(const Points& points, std::size_t begin, std::size_t end, Points& kept) {
  constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();
  std::size_t lowest = kNone, highest = kNone, gap = kNone;
  for (std::size_t i = begin; i < end; ++i) {
    if (!drawable(points[i].y)) {
      if (gap == kNone) gap = i;
      continue;
    }
    if (lowest == kNone || points[i].y < points[lowest].y) lowest = i;
    if (highest == kNone || points[i].y > points[highest].y) highest = i;
  }
  std::vector<std::size_t> chosen = {lowest, highest, gap};
  std::sort(chosen.begin(), chosen.end());
  chosen.erase(std::unique(chosen.begin(), chosen.end()), chosen.end());
  for (const std::size_t i : chosen)
    if (i != kNone) kept.push_back(points[i]);
}

}  // namespace

bool drawable(double value) { return std::isfinite(value) && std::abs(value) < 1e300; }

Points downsampled(const Points& points, std::size_t most) {
  if (points.size() <= most) return points;
  const std::size_t stretches = (most - 2) / 3;
  const std::size_t inner = points.size() - 2;
  Points kept = {points.front()};
  for (std::size_t i = 0; i < stretches; ++i)
    keep_extremes(points, 1 + i * inner / stretches, 1 + (i + 1) * inner / stretches, kept);
  kept.push_back(points.back());
  return kept;
}

Points smoothed(const Points& points) {
  const double span = std::max(3.0, static_cast<double>(points.size()) / 30);
  const double decay = 1 - 2 / (span + 1);
  std::vector<double> sums(points.size(), 0), weights(points.size(), 0);
  const auto pass = [&](auto begin, auto end, auto sum_at, auto weight_at, bool with_own) {
    double sum = 0, weight = 0;
    for (; begin != end; ++begin, ++sum_at, ++weight_at) {
      const double own = drawable(begin->y) ? 1 : 0;
      if (with_own && own > 0) *sum_at += begin->y, *weight_at += 1;
      *sum_at += sum, *weight_at += weight;
      sum = decay * (sum + (own > 0 ? begin->y : 0)), weight = decay * (weight + own);
    }
  };
  pass(points.begin(), points.end(), sums.begin(), weights.begin(), true);
  pass(points.rbegin(), points.rend(), sums.rbegin(), weights.rbegin(), false);
  Points smooth = points;
  for (std::size_t i = 0; i < points.size(); ++i)
    if (drawable(points[i].y)) smooth[i].y = sums[i] / weights[i];
  return smooth;
}

std::optional<Range> range_of_y(const Points& points) {
  std::optional<Range> range;
  for (const Point& point : points)
    if (drawable(point.y)) range = joined(range, Range{point.y, point.y});
  return range;
}

std::optional<Range> joined(std::optional<Range> a, std::optional<Range> b) {
  if (!a || !b) return a ? a : b;
  return Range{std::min(a->low, b->low), std::max(a->high, b->high)};
}

std::optional<Point> nearest(const Points& points, double x, double reach) {
  const auto after =
      std::lower_bound(points.begin(), points.end(), x, [](const Point& p, double v) { return p.x < v; });
  std::optional<Point> best;
  const auto consider = [&](const Point& p) {
    if (std::abs(p.x - x) <= reach && drawable(p.y) && (!best || std::abs(p.x - x) < std::abs(best->x - x)))
      best = p;
  };
  if (after != points.end()) consider(*after);
  if (after != points.begin()) consider(*std::prev(after));
  return best;
}

}  // namespace hone::report
