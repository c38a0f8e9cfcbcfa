#include "core/eval/spread.h"

#include <cmath>

#include "core/base/error.h"

namespace hone::eval {

Spread spread_of(std::span<const double> values) {
  HONE_CHECK(!values.empty());
  const auto count = static_cast<double>(values.size());
  Spread spread;
  for (const double value : values) spread.mean += value / count;
  double squares = 0;
  for (const double value : values) squares += (value - spread.mean) * (value - spread.mean);
  if (values.size() > 1) spread.deviation = std::sqrt(squares / (count - 1));
  return spread;
}

}  // namespace hone::eval
