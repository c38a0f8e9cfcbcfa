#include <algorithm>
#include <functional>
#include <set>

#include "launcher/report/line_chart.h"
#include "launcher/report/number_text.h"
#include "launcher/report/sections.h"
#include "launcher/report/summary.h"

namespace hone::report {
namespace {

constexpr std::size_t kSmoothFrom = 12;  // fewer points are shown as they are

// One run has a colour for training and one for evaluation; of several, each has its own.
struct Curve {
  std::string title, unit;
  std::function<Points(const ReportInput&)> train, eval;
  bool smooth = false, from_zero = false, mark_lowest = false;
};

std::function<Points(const ReportInput&)> column(MetricTable ReportInput::*table, std::string name) {
  return [table, name = std::move(name)](const ReportInput& run) { return (run.*table).points(name); };
}

Points speed(const ReportInput& run) {
  Points points = run.train.points("tokens");
  const Points seconds = run.train.points("seconds");
  for (std::size_t i = 0; i < points.size(); ++i)
    points[i].y = i < seconds.size() && seconds[i].y > 0 ? points[i].y / seconds[i].y : kNotMeasured;
  return points;
}

Points memory(const ReportInput& run) {
  Points points = run.train.points("memory_bytes");
  for (Point& point : points) point.y /= double(1 << 30);
  return points;
}

void add_train_series(LineChart& chart, const Curve& curve, const ReportInput& run, bool one,
                      std::size_t color) {
  const Points points = curve.train(run);
  if (!range_of_y(points)) return;
  const std::string name = one ? "train" : run.name;
  if (!curve.smooth || points.size() < kSmoothFrom) {
    chart.series.push_back({name, points, color});
    return;
  }
  chart.series.push_back({one ? "each step" : "", points, color, Stroke::faint});
  chart.series.push_back({one ? "train, smoothed" : name, smoothed(points), color});
}

void add_eval_series(LineChart& chart, const Curve& curve, const ReportInput& run, bool one,
                     std::size_t color) {
  const Points points = curve.eval ? curve.eval(run) : Points{};
  if (!range_of_y(points)) return;
  const bool alone = !range_of_y(curve.train(run));  // no line of training to be told from
  Series series{one ? "held out" : run.name + ", held out", points, color};
  series.stroke = one || alone ? Stroke::solid : Stroke::dashed;
  series.dots = true;
  series.in_legend = one || alone;
  chart.series.push_back(series);
  if (const auto best = curve.mark_lowest ? lowest(points) : std::nullopt)
    chart.marks.push_back(
        {*best, (one ? "best " : series.name + ": best ") + rounded_text(best->y), one, color});
  if (!one && !alone) chart.unit = curve.unit + (curve.unit.empty() ? "" : ", ") + "dashed: held out";
}

LineChart chart_of(const Curve& curve, Runs runs) {
  LineChart chart;
  chart.title = curve.title, chart.unit = curve.unit, chart.from_zero = curve.from_zero;
  const bool one = runs.size() == 1;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    add_train_series(chart, curve, runs[i], one, i);
    add_eval_series(chart, curve, runs[i], one, one ? 1 : i);
  }
  return chart;
}

std::string unit_of_loss(Runs runs) {
  const auto per_token = [](const ReportInput& run) { return run.setting("objective.name") == "sft"; };
  return std::all_of(runs.begin(), runs.end(), per_token) ? "per supervised token" : "";
}

// Metrics of the objective (they have a slash in their names) and whatever else evaluation measured.
std::set<std::string> further_metrics(Runs runs) {
  static const std::set<std::string> kShown = {"loss",   "epoch", "perplexity", "tokens", "supervised_tokens",
                                               "seconds"};
  std::set<std::string> names;
  for (const ReportInput& run : runs) {
    for (const auto& [name, values] : run.train.columns)
      if (name.find('/') != std::string::npos) names.insert(name);
    for (const auto& [name, values] : run.eval.columns)
      if (!kShown.contains(name)) names.insert(name);
  }
  return names;
}

std::vector<Curve> curves_of(Runs runs) {
  const auto train = [](const char* name) { return column(&ReportInput::train, name); };
  std::vector<Curve> curves = {
      {.title = "Loss",
       .unit = unit_of_loss(runs),
       .train = train("loss"),
       .eval = column(&ReportInput::eval, "loss"),
       .smooth = true,
       .mark_lowest = true},
      {.title = "Learning rate", .unit = "", .train = train("lr"), .eval = {}, .from_zero = true},
      {.title = "Gradient norm",
       .unit = "before clipping",
       .train = train("grad_norm"),
       .eval = {},
       .smooth = true},
      {.title = "Speed",
       .unit = "tokens per second",
       .train = speed,
       .eval = {},
       .smooth = true,
       .from_zero = true},
      {.title = "Memory", .unit = "GiB, fullest rank", .train = memory, .eval = {}, .from_zero = true},
  };
  for (const std::string& name : further_metrics(runs))
    curves.push_back({.title = name,
                      .unit = "",
                      .train = column(&ReportInput::train, name),
                      .eval = column(&ReportInput::eval, name),
                      .smooth = true});
  return curves;
}

}  // namespace

void add_curves(Html& html, Runs runs) {
  std::vector<LineChart> charts;
  for (const Curve& curve : curves_of(runs)) {
    LineChart chart = chart_of(curve, runs);
    if (has_values(chart)) charts.push_back(std::move(chart));
  }
  if (charts.empty()) return;
  add_section(html, "Training", "", [&] {
    html.element("div", {{"class", "charts"}}, [&] {
      for (const LineChart& chart : charts) draw(html, chart);
    });
  });
}

}  // namespace hone::report
