#pragma once
// A line chart as one HTML figure with inline SVG. It stretches to the width it is given while text, dots and
// line widths keep their size; pointing at it reads off the values, without a script. At most 1000 points a
// series are drawn.
#include <string>
#include <vector>

#include "launcher/report/html.h"
#include "launcher/report/points.h"

namespace hone::report {

inline constexpr std::size_t kMostPoints = 1000;
// The CSS class of the n-th colour of the page's palette; after the last they come round again.
std::string color_class(std::size_t index);

enum class Stroke { solid, faint, dashed };

struct Series {
  std::string name;  // empty: not in the legend and not read off
  Points points;
  std::size_t color = 0;
  Stroke stroke = Stroke::solid;
  bool dots = false;
  bool in_legend = true;
};

struct Mark {  // a ring around a point, with words beside it or only when pointed at
  Point at;
  std::string label;
  bool show_label = true;
  std::size_t color = 0;
};

struct LineChart {
  std::string title;
  std::string unit;
  std::vector<Series> series;
  std::vector<Mark> marks;
  bool from_zero = false;  // else the axis fits the values, and is logarithmic where they span much
  std::string x_label = "step";
};

// Whether there is a value to draw at all.
bool has_values(const LineChart& chart);

void draw(Html& html, const LineChart& chart);

}  // namespace hone::report
