#pragma once
// Points of a curve, sorted by x. A y that is not finite is a gap in the line.
#include <cstddef>
#include <optional>
#include <vector>

namespace hone::report {

struct Point {
  double x = 0;
  double y = 0;
  bool operator==(const Point&) const = default;
};
using Points = std::vector<Point>;

struct Range {
  double low = 0;
  double high = 0;
};

// Whether a value can be drawn: finite and of a size whose differences do not overflow.
bool drawable(double value);

// At most `most` (>= 6) of the points: of each stretch its lowest, its highest and one gap if it has any, so
// that spikes and gaps stay; the first and the last point stay too.
Points downsampled(const Points& points, std::size_t most);

// A mean whose weights fall off exponentially to both sides, so that it does not lag; its span grows with the
// number of points. Gaps stay gaps.
Points smoothed(const Points& points);

std::optional<Range> range_of_y(const Points& points);  // of the drawable ones; none: nothing to draw
std::optional<Range> joined(std::optional<Range> a, std::optional<Range> b);

// The point nearest to x within `reach`, none if there is none or it is a gap.
std::optional<Point> nearest(const Points& points, double x, double reach);

}  // namespace hone::report
