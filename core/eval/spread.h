#pragma once
// Mean and sample standard deviation (divided by n - 1; 0 for one value) of at least one value.
#include <span>

namespace hone::eval {

struct Spread {
  double mean = 0, deviation = 0;
};
Spread spread_of(std::span<const double> values);

}  // namespace hone::eval
