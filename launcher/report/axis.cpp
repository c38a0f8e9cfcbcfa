#include "launcher/report/axis.h"

#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "launcher/report/number_text.h"

namespace hone::report {
namespace {

constexpr double kNear = 1.3;    // a log axis goes on to the next stop where that is nearer than this ratio,
constexpr double kPad = 1.12;    // else a little beyond the values
constexpr double kSlack = 1e-9;  // of a step: ends that are ticks but for rounding

int exponent_of(double magnitude) { return static_cast<int>(std::floor(std::log10(magnitude) + kSlack)); }

double nice_step(double rough) {
  const double power = std::pow(10, exponent_of(rough));
  for (const double digit : {1, 2, 5})
    if (digit * power >= rough * (1 - kSlack)) return digit * power;
  return 10 * power;
}

// A range of some width: a single value becomes one around it.
Range widened(Range range) {
  constexpr double kNothing = 1e-290;  // next to it the arithmetic of ticks loses its digits
  const double most = std::max(std::abs(range.low), std::abs(range.high));
  if (range.high - range.low > std::max(most * 1e-6, kNothing)) return range;
  const double pad = most <= kNothing ? 0.5 : most / 4;
  return {range.low - pad, range.high + pad};
}

// The 1, 2, 5 times a power of ten next to a value, below or above it.
double stop_below(double value) {
  const double power = std::pow(10, exponent_of(value));
  for (const double digit : {5, 2})
    if (digit * power <= value * (1 + kSlack)) return digit * power;
  return power;
}

double stop_above(double value) {
  const double below = stop_below(value);
  if (below >= value * (1 - kSlack)) return below;
  return nice_step(value);
}

std::string log_label(double value) {
  const int exponent = exponent_of(value);
  const bool power = std::abs(value / std::pow(10, exponent) - 1) < 1e-6;
  return power && (exponent < -3 || exponent > 5) ? power_of_ten_text(exponent) : rounded_text(value, 2);
}

std::vector<double> log_stops(Range range, std::initializer_list<double> digits, int stride) {
  std::vector<double> stops;
  for (int e = exponent_of(range.low); e <= exponent_of(range.high); e += stride)
    for (const double digit : digits) {
      const double value = digit * std::pow(10, e);
      if (value >= range.low * (1 - kSlack) && value <= range.high * (1 + kSlack)) stops.push_back(value);
    }
  return stops;
}

}  // namespace

Axis Axis::linear(Range range, int count, bool to_ticks) {
  range = widened(range);
  const double step = nice_step((range.high - range.low) / count);
  if (to_ticks)
    range = {std::floor(range.low / step + kSlack) * step, std::ceil(range.high / step - kSlack) * step};
  Axis axis(range, false);
  axis.label_linear(step);
  return axis;
}

void Axis::label_linear(double step) {
  const double most = std::max(std::abs(range_.low), std::abs(range_.high));
  double scale = 1;
  std::string suffix;
  if (most < 0.0099) {
    const int exponent = std::max(exponent_of(most), -300);
    scale = std::pow(10, exponent);
    factor_ = "×" + power_of_ten_text(exponent);
  } else if (most >= 1e15) {
    scale = std::pow(10, exponent_of(most));
    factor_ = "×" + power_of_ten_text(exponent_of(most));
  } else if (most >= 99999) {
    const int thousands = exponent_of(most) / 3;
    scale = std::pow(1000, thousands);
    suffix = std::string(1, " kMGT"[thousands]);
  }
  const int decimals = std::clamp(-exponent_of(step / scale), 0, 9);
  const double first = std::ceil(range_.low / step - kSlack);
  const int count = static_cast<int>(std::clamp(std::floor(range_.high / step + kSlack) - first, 0.0, 40.0));
  for (int i = 0; i <= count; ++i) {
    const double value = (first + i) * step;
    const double shown = value / scale;
    const bool zero = std::abs(value) < step / 2;
    const std::string label = zero           ? "0"
                              : decimals > 0 ? decimals_text(shown, decimals)
                                             : count_text(std::llround(shown));
    ticks_.push_back({value, zero ? label : label + suffix});
  }
}

Axis Axis::logarithmic(Range range) {
  HONE_CHECK(range.low > 0);
  range = {std::max(range.low, 1e-290), std::max(range.high, 1e-290)};
  const double below = stop_below(range.low), above = stop_above(range.high);
  range = {range.low > kNear * below ? range.low / kPad : below,
           range.high * kNear < above ? range.high * kPad : above};
  if (range.high <= range.low) range.high = 10 * range.low;
  Axis axis(range, true);
  std::vector<double> stops = log_stops(range, {1, 2, 5}, 1);
  if (stops.size() < 4) stops = log_stops(range, {1, 2, 3, 5, 7}, 1);
  if (stops.size() > 7) stops = log_stops(range, {1}, 1);
  if (stops.size() > 8) stops = log_stops(range, {1}, static_cast<int>(stops.size() / 6));
  for (const double value : stops) axis.ticks_.push_back({value, log_label(value)});
  return axis;
}

double Axis::position(double value) const {
  if (logarithmic_)
    return (std::log10(value) - std::log10(range_.low)) / (std::log10(range_.high) - std::log10(range_.low));
  return (value - range_.low) / (range_.high - range_.low);
}

}  // namespace hone::report
