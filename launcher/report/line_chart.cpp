#include "launcher/report/line_chart.h"

#include <fmt/format.h>

#include <algorithm>

#include "launcher/report/axis.h"
#include "launcher/report/number_text.h"

namespace hone::report {
namespace {

constexpr double kLogFrom = 8;            // a range of this ratio is drawn on a log axis
constexpr std::size_t kMostLetters = 40;  // of names in a line of values read off
constexpr std::size_t kMostTips = 80;     // places where values can be read off

std::string percent(double share) { return fmt::format("{:.2f}%", 100 * share); }

struct Frame {
  Axis x, y;
  std::string left(double value) const { return percent(x.position(value)); }
  std::string top(double value) const { return percent(1 - y.position(value)); }
};

std::optional<Range> range_of(const LineChart& chart, bool of_x) {
  std::optional<Range> range;
  for (const Series& series : chart.series) {
    if (!of_x)
      range = joined(range, range_of_y(series.points));
    else if (!series.points.empty())
      range = joined(range, Range{series.points.front().x, series.points.back().x});
  }
  return range;
}

Frame make_frame(const LineChart& chart) {
  Range y = range_of(chart, false).value_or(Range{0, 1});
  if (chart.from_zero) y = {std::min(y.low, 0.0), std::max(y.high, 0.0)};
  const bool logarithmic = y.low > 0 && y.high / y.low >= kLogFrom;
  return {Axis::linear(range_of(chart, true).value_or(Range{0, 1}), 6, false),
          logarithmic ? Axis::logarithmic(y) : Axis::linear(y, 5, true)};
}

void draw_grid(Html& html, const LineChart& chart, const Frame& frame) {
  for (const Tick& tick : frame.y.ticks()) {
    const std::string top = frame.top(tick.value);
    html.empty("line", {{"class", "grid"}, {"x1", "0"}, {"x2", "100%"}, {"y1", top}, {"y2", top}});
    html.leaf("text", {{"class", "tick y"}, {"x", "0"}, {"dx", "-8"}, {"y", top}, {"dy", ".35em"}},
              tick.label);
  }
  for (const Tick& tick : frame.x.ticks()) {
    const std::string left = frame.left(tick.value);
    html.empty("line", {{"class", "stub"}, {"x1", left}, {"x2", left}, {"y1", "100%"}, {"y2", "100%"}});
    html.leaf("text", {{"class", "tick x"}, {"x", left}, {"y", "100%"}, {"dy", "1.6em"}}, tick.label);
  }
  html.empty("line", {{"class", "base"}, {"x1", "0"}, {"x2", "100%"}, {"y1", "100%"}, {"y2", "100%"}});
  html.leaf("text", {{"class", "tick y"}, {"x", "0"}, {"dx", "-8"}, {"y", "100%"}, {"dy", "1.6em"}},
            chart.x_label);
  if (!frame.y.factor().empty())
    html.leaf("text", {{"class", "tick y"}, {"x", "0"}, {"dx", "-8"}, {"y", "0"}, {"dy", "-.9em"}},
              frame.y.factor());
}

// "M x y L x y ...": a gap lifts the pen; a point between two gaps becomes a line of no length, which is a
// dot.
std::string path_of(const Points& points, const Frame& frame) {
  std::string path;
  bool pen_down = false;
  for (const Point& point : points) {
    if (!drawable(point.y)) {
      pen_down = false;
      continue;
    }
    const double x = 1000 * frame.x.position(point.x), y = 1000 * (1 - frame.y.position(point.y));
    path += fmt::format("{}{:.1f} {:.1f}{}", pen_down ? "L" : "M", x, y, pen_down ? "" : "h0");
    pen_down = true;
  }
  return path;
}

void draw_lines(Html& html, const LineChart& chart, const Frame& frame) {
  const auto draw_path = [&](const Series& series) {
    const char* stroke = series.stroke == Stroke::faint    ? "faint "
                         : series.stroke == Stroke::dashed ? "dashed "
                                                           : "";
    html.empty("path", {{"class", "line " + std::string(stroke) + color_class(series.color)},
                        {"vector-effect", "non-scaling-stroke"},
                        {"d", path_of(downsampled(series.points, kMostPoints), frame)}});
  };
  html.element("svg",
               {{"viewBox", "0 0 1000 1000"},
                {"preserveAspectRatio", "none"},
                {"width", "100%"},
                {"height", "100%"},
                {"class", "lines"}},
               [&] { std::for_each(chart.series.begin(), chart.series.end(), draw_path); });
}

// "step 40  ● train 0.61  ● held out 0.75": the names only where they are short enough together.
void read_off(Html& html, const LineChart& chart, double x, double reach) {
  std::size_t letters = 0;
  for (const Series& series : chart.series) letters += series.name.size();
  html.text(chart.x_label + " " + rounded_text(x, 9));
  for (const Series& series : chart.series) {
    const auto point = series.name.empty() ? std::nullopt : nearest(series.points, x, reach);
    if (!point) continue;
    html.text("  ");
    html.leaf("tspan", {{"class", color_class(series.color)}}, series.stroke == Stroke::solid ? "● " : "○ ");
    html.text((letters > kMostLetters ? "" : series.name + " ") + rounded_text(point->y));
  }
}

// Places at which values can be read off: the x of the longest series, thinned.
std::vector<double> tip_places(const LineChart& chart) {
  const auto longest =
      std::max_element(chart.series.begin(), chart.series.end(),
                       [](const Series& a, const Series& b) { return a.points.size() < b.points.size(); });
  const Points& points = longest->points;
  const std::size_t count = std::min(points.size(), kMostTips);
  std::vector<double> places;
  for (std::size_t i = 0; i < count; ++i)
    places.push_back(points[count < 2 ? 0 : i * (points.size() - 1) / (count - 1)].x);
  return places;
}

void draw_tip(Html& html, const LineChart& chart, const Frame& frame, double x, Range strip) {
  const double reach = std::max(x - strip.low, strip.high - x);
  const auto drawn = [&](const Series& series) {
    return !series.name.empty() && nearest(series.points, x, reach);
  };
  if (std::none_of(chart.series.begin(), chart.series.end(), drawn)) return;
  html.element("g", {{"class", "tip"}}, [&] {
    const double from = std::max(0.0, frame.x.position(strip.low)),
                 to = std::min(1.0, frame.x.position(strip.high));
    const std::string left = frame.left(x);
    html.empty("rect", {{"x", percent(from)}, {"width", percent(to - from)}, {"y", "0"}, {"height", "100%"}});
    html.empty("line", {{"x1", left}, {"x2", left}, {"y1", "0"}, {"y2", "100%"}});
    for (const Series& series : chart.series) {
      const auto point = series.name.empty() ? std::nullopt : nearest(series.points, x, reach);
      if (!point) continue;
      html.empty("circle", {{"class", color_class(series.color)},
                            {"cx", frame.left(point->x)},
                            {"cy", frame.top(point->y)},
                            {"r", "3.5"}});
    }
    html.element("text", {{"x", "100%"}, {"y", "0"}, {"dy", "-.9em"}},
                 [&] { read_off(html, chart, x, reach); });
  });
}

void draw_tips(Html& html, const LineChart& chart, const Frame& frame) {
  const std::vector<double> places = tip_places(chart);
  for (std::size_t i = 0; i < places.size(); ++i) {
    const double half =
        places.size() < 2 ? 0.5 : (places.back() - places.front()) / (2.0 * double(places.size() - 1));
    const double low = i == 0 ? places[i] - half : (places[i - 1] + places[i]) / 2;
    const double high = i + 1 == places.size() ? places[i] + half : (places[i] + places[i + 1]) / 2;
    draw_tip(html, chart, frame, places[i], {low, high});
  }
}

void draw_dots(Html& html, const LineChart& chart, const Frame& frame) {
  for (const Series& series : chart.series) {
    if (!series.dots) continue;
    for (const Point& point : downsampled(series.points, kMostPoints)) {
      if (!drawable(point.y)) continue;
      html.element("circle",
                   {{"class", "dot " + color_class(series.color)},
                    {"cx", frame.left(point.x)},
                    {"cy", frame.top(point.y)},
                    {"r", "3.5"}},
                   [&] {
                     html.leaf("title", series.name + " " + rounded_text(point.y) + " at " + chart.x_label +
                                            " " + rounded_text(point.x, 9));
                   });
    }
  }
}

void draw_marks(Html& html, const LineChart& chart, const Frame& frame) {
  for (const Mark& mark : chart.marks) {
    const bool on_right = frame.x.position(mark.at.x) > 0.6;
    const bool at_top = frame.y.position(mark.at.y) > 0.85;
    const std::string left = frame.left(mark.at.x), top = frame.top(mark.at.y);
    html.element("circle",
                 {{"class", "ring " + color_class(mark.color)}, {"cx", left}, {"cy", top}, {"r", "7"}},
                 [&] { html.leaf("title", mark.label); });
    if (!mark.show_label) continue;
    html.leaf("text",
              {{"class", on_right ? "mark end" : "mark"},
               {"x", left},
               {"y", top},
               {"dx", on_right ? "4" : "-4"},
               {"dy", at_top ? "1.9em" : "-1.1em"}},
              mark.label);
  }
}

std::string unit_text(const LineChart& chart, const Frame& frame) {
  if (!frame.y.is_logarithmic()) return chart.unit;
  return chart.unit.empty() ? "log scale" : chart.unit + ", log scale";
}

void draw_legend(Html& html, const LineChart& chart) {
  if (chart.series.size() < 2) return;
  html.element("ul", {{"class", "legend"}}, [&] {
    for (const Series& series : chart.series) {
      if (series.name.empty() || !series.in_legend) continue;
      html.element("li", [&] {
        const char* kind = series.stroke == Stroke::faint    ? "key faint "
                           : series.stroke == Stroke::dashed ? "key dashed "
                                                             : "key ";
        html.leaf("i", {{"class", kind + color_class(series.color)}}, "");
        html.text(series.name);
      });
    }
  });
}

}  // namespace

std::string color_class(std::size_t index) {
  constexpr std::size_t kColors = 8;
  return fmt::format("c{}", index % kColors);
}

bool has_values(const LineChart& chart) { return range_of(chart, false).has_value(); }

void draw(Html& html, const LineChart& chart) {
  const Frame frame = make_frame(chart);
  html.element("figure", {{"class", "card chart"}}, [&] {
    html.element("figcaption", [&] {
      html.leaf("h3", chart.title);
      html.leaf("span", {{"class", "unit"}}, unit_text(chart, frame));
      draw_legend(html, chart);
    });
    html.element("div", {{"class", "plot"}}, [&] {
      html.element("svg", {{"role", "img"}, {"aria-label", chart.title + " over " + chart.x_label}}, [&] {
        draw_grid(html, chart, frame);
        draw_lines(html, chart, frame);
        draw_tips(html, chart, frame);
        draw_dots(html, chart, frame);
        draw_marks(html, chart, frame);
      });
    });
  });
}

}  // namespace hone::report
