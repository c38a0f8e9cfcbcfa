#pragma once
// A run in a few numbers; NaN where it was not measured.
#include <optional>
#include <string>

#include "launcher/report/run_input.h"

namespace hone::report {

struct Summary {
  double first_loss = kNotMeasured, last_loss = kNotMeasured;
  std::optional<Point> best_eval;  // step and loss
  double step = kNotMeasured, epochs = kNotMeasured;
  double tokens = kNotMeasured, supervised_tokens = kNotMeasured;
  double seconds = kNotMeasured, seconds_per_step = kNotMeasured, tokens_per_second = kNotMeasured;
  double ranks = kNotMeasured, memory = kNotMeasured;
};

Summary summarize(const ReportInput& run);
std::optional<Point> lowest(const Points& points);
std::string model_name(const ReportInput& run);  // the last part of model.path

}  // namespace hone::report
