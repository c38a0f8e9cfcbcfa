#include "launcher/report/number_text.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <utility>

namespace hone::report {
namespace {

constexpr const char* kDash = "–";
constexpr const char* kMinus = "−";
constexpr const char* kThin = "\u202f";  // narrow, and no line is broken at it

std::string with_sign(bool negative, std::string digits) { return negative ? kMinus + digits : digits; }

std::string grouped(const std::string& digits) {
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += kThin;
    text += digits[i];
  }
  return text;
}

std::string without_trailing_zeros(std::string digits) {
  if (digits.find('.') == std::string::npos) return digits;
  digits.erase(digits.find_last_not_of('0') + 1);
  if (digits.back() == '.') digits.pop_back();
  return digits;
}

std::string scientific(double magnitude, int digits) {
  const std::string text = fmt::format("{:.{}e}", magnitude, digits - 1);
  const std::size_t e = text.find('e');
  return without_trailing_zeros(text.substr(0, e)) + "×" + power_of_ten_text(std::stoi(text.substr(e + 1)));
}

}  // namespace

std::string power_of_ten_text(int exponent) {
  static constexpr std::array kSuperscripts = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
  std::string text = exponent < 0 ? "10⁻" : "10";
  for (const char digit : std::to_string(std::abs(exponent)))
    text += kSuperscripts[static_cast<std::size_t>(digit - '0')];
  return text;
}

std::string count_text(std::int64_t count) {
  const std::string digits = std::to_string(count);
  return count < 0 ? with_sign(true, grouped(digits.substr(1))) : grouped(digits);
}

std::string rounded_text(double value, int digits) {
  if (!std::isfinite(value)) return kDash;
  const double magnitude = std::abs(value);
  if (magnitude == 0) return "0";
  if (magnitude < 1e-3 || magnitude >= 1e15) return with_sign(value < 0, scientific(magnitude, digits));
  const int before_point = static_cast<int>(std::floor(std::log10(magnitude))) + 1;
  const std::string text =
      without_trailing_zeros(fmt::format("{:.{}f}", magnitude, std::max(0, digits - before_point)));
  const std::size_t point = text.find('.');
  return with_sign(value < 0,
                   grouped(text.substr(0, point)) + (point == std::string::npos ? "" : text.substr(point)));
}

std::string decimals_text(double value, int decimals) {
  if (!std::isfinite(value)) return kDash;
  return with_sign(value < 0, fmt::format("{:.{}f}", std::abs(value), decimals));
}

std::string short_count_text(double count) {
  if (!std::isfinite(count)) return kDash;
  static constexpr std::array kUnits = {std::pair{1e12, "T"}, std::pair{1e9, "G"}, std::pair{1e6, "M"}};
  for (const auto& [size, unit] : kUnits)
    if (std::abs(count) >= size) return rounded_text(count / size, 3) + kThin + unit;
  return rounded_text(std::round(count), 6);
}

std::string percent_text(double share) {
  return std::isfinite(share) ? decimals_text(100 * share, 1) + kThin + "%" : kDash;
}

std::string duration_text(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0 || seconds > 1e12) return kDash;
  if (seconds == 0) return std::string("0") + kThin + "s";
  if (seconds < 0.9995) return rounded_text(1000 * seconds, 3) + kThin + "ms";
  if (seconds < 59.95) return decimals_text(seconds, seconds < 9.995 ? 2 : 1) + kThin + "s";
  const auto whole = static_cast<std::int64_t>(std::llround(seconds));
  if (whole < 3600) return fmt::format("{}\u202fmin {:02}\u202fs", whole / 60, whole % 60);
  const std::int64_t minutes = (whole + 30) / 60;
  if (minutes < 24 * 60) return fmt::format("{}\u202fh {:02}\u202fmin", minutes / 60, minutes % 60);
  const std::int64_t hours = (minutes + 30) / 60;
  return fmt::format("{}\u202fd {:02}\u202fh", hours / 24, hours % 24);
}

std::string bytes_text(double bytes) {
  if (!std::isfinite(bytes)) return kDash;
  static constexpr std::array kUnits = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  std::size_t unit = 0;
  while (std::abs(bytes) >= 1000 && unit + 1 < kUnits.size()) bytes /= 1024, ++unit;
  return rounded_text(bytes, 3) + kThin + kUnits[unit];
}

}  // namespace hone::report
