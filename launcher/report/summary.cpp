#include "launcher/report/summary.h"

#include <cmath>

namespace hone::report {
namespace {

double first_known(std::initializer_list<double> values) {
  for (const double value : values)
    if (std::isfinite(value)) return value;
  return kNotMeasured;
}

}  // namespace

std::optional<Point> lowest(const Points& points) {
  std::optional<Point> best;
  for (const Point& point : points)
    if (drawable(point.y) && (!best || point.y < best->y)) best = point;
  return best;
}

Summary summarize(const ReportInput& run) {
  Summary s;
  const MetricTable& train = run.train;
  const Points loss = train.points("loss");
  if (!loss.empty()) s.first_loss = loss.front().y, s.last_loss = loss.back().y;
  s.best_eval = lowest(run.eval.points("loss"));
  if (!train.steps.empty()) s.step = train.steps.back();
  s.epochs = train.last("epoch");
  s.tokens = train.sum("tokens"), s.supervised_tokens = train.sum("supervised_tokens");
  const double stepping = train.sum("seconds");
  if (stepping > 0) {
    s.seconds_per_step = stepping / static_cast<double>(train.steps.size());
    s.tokens_per_second = s.tokens / stepping;
  }
  // A run gone on with: its timing is of the last start only.
  s.seconds =
      first_known({run.facts.seconds, std::fmax(run.timing ? run.timing->seconds : kNotMeasured, stepping)});
  s.ranks = first_known({run.facts.ranks, run.timing ? run.timing->ranks : kNotMeasured});
  if (const auto memory = range_of_y(train.points("memory_bytes"))) s.memory = memory->high;
  return s;
}

std::string model_name(const ReportInput& run) {
  std::string path = run.setting("model.path");
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

}  // namespace hone::report
