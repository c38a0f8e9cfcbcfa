#include "core/train/spans.h"

#include <charconv>
#include <cmath>
#include <string_view>

#include "core/base/error.h"

namespace hone::train {
namespace {

constexpr double kRounding = 1e-9;  // of epochs, which are fractions

// Takes a number of 0 or more off the front of the text; false: there is none.
template <class Number>
bool take_number(std::string_view& text, Number& value) {
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || !std::isfinite(static_cast<double>(value)) || value < 0) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

bool take(std::string_view& text, char wanted) {
  if (!text.starts_with(wanted)) return false;
  text.remove_prefix(1);
  return true;
}

double seconds_of_unit(char unit) {
  return unit == 'd' ? 86400 : unit == 'h' ? 3600 : unit == 'm' ? 60 : unit == 's' ? 1 : 0;
}

// "3h30m": units in falling order; a bare number is seconds.
bool read_units(std::string_view text, double& seconds) {
  double largest = INFINITY;
  do {
    double amount = 0;
    if (!take_number(text, amount)) return false;
    if (text.empty() && std::isinf(largest)) return seconds = amount, true;
    const double unit = text.empty() ? 0 : seconds_of_unit(text.front());
    if (unit == 0 || unit >= largest) return false;
    text.remove_prefix(1);
    seconds += amount * unit;
    largest = unit;
  } while (!text.empty());
  return true;
}

bool read_clock(std::string_view text, double& seconds) {
  std::int64_t hours = 0, minutes = 0, rest = 0;
  if (!take_number(text, hours) || !take(text, ':') || !take_number(text, minutes) || !take(text, ':') ||
      !take_number(text, rest) || !text.empty() || minutes > 59 || rest > 59)
    return false;
  seconds = static_cast<double>(hours) * 3600 + static_cast<double>(minutes * 60 + rest);
  return true;
}

[[noreturn]] void refuse(const std::string& key, const std::string& text, const char* forms) {
  throw Error(Exit::usage, "US030", "value not understood", key, "\"" + text.substr(0, 60) + "\"", forms);
}

}  // namespace

bool Interval::due(std::int64_t step, double epochs_before, double epochs_after) const {
  if (steps > 0) return step % steps == 0;
  if (epochs == 0) return false;
  return std::floor(epochs_after / epochs + kRounding) > std::floor(epochs_before / epochs + kRounding);
}

Interval parse_interval(const std::string& key, const std::string& text) {
  Interval interval;
  std::string_view whole = text, part = text;
  if (take_number(whole, interval.steps) && whole.empty() && interval.steps > 0) return interval;
  interval.steps = 0;
  if (take_number(part, interval.epochs) && part == "e" && interval.epochs > 0) return interval;
  refuse(key, text, "steps (200) or epochs (1e, 0.5e), more than 0");
}

double parse_duration(const std::string& key, const std::string& text) {
  double seconds = 0;
  const bool read = text.find(':') != text.npos ? read_clock(text, seconds) : read_units(text, seconds);
  if (!read || seconds <= 0)
    refuse(key, text, "seconds (5400), units (3h30m) or hours:minutes:seconds (03:30:00)");
  return seconds;
}

}  // namespace hone::train
