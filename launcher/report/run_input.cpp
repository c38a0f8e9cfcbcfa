#include "launcher/report/run_input.h"

#include <algorithm>
#include <cmath>

namespace hone::report {
namespace {

const std::vector<double>* find_column(const MetricTable& table, const std::string& name) {
  const auto found = table.columns.find(name);
  return found == table.columns.end() ? nullptr : &found->second;
}

}  // namespace

Points MetricTable::points(const std::string& column) const {
  Points points;
  if (const std::vector<double>* values = find_column(*this, column))
    for (std::size_t i = 0; i < steps.size(); ++i) points.push_back({steps[i], (*values)[i]});
  return points;
}

double MetricTable::last(const std::string& column) const {
  const std::vector<double>* values = find_column(*this, column);
  return values && !values->empty() ? values->back() : kNotMeasured;
}

double MetricTable::sum(const std::string& column) const {
  const std::vector<double>* values = find_column(*this, column);
  if (!values) return kNotMeasured;
  double sum = 0;
  for (const double value : *values)
    if (std::isfinite(value)) sum += value;
  return sum;
}

std::string ReportInput::setting(const std::string& key) const {
  const auto found =
      std::find_if(config.begin(), config.end(), [&](const Setting& s) { return s.key == key; });
  return found == config.end() ? "" : found->value;
}

}  // namespace hone::report
