#pragma once
// Numbers for people: digits in groups with a thin space, few digits, units, a true minus sign. A number that
// is not finite (not measured) is a dash. Everything is UTF-8.
#include <cstdint>
#include <string>

namespace hone::report {

std::string count_text(std::int64_t count);  // 53 000
std::string short_count_text(double count);  // 4.88 M
std::string rounded_text(double value,
                         int digits = 4);  // 0.4123, 12.5, 2×10⁻⁴: significant digits, zeros cut
std::string decimals_text(double value, int decimals);  // 0.620
std::string percent_text(double share);                 // 62.1 %
std::string duration_text(double seconds);              // 340 ms, 12.3 s, 4 min 12 s, 1 h 03 min
std::string bytes_text(double bytes);                   // 1.2 GiB
std::string power_of_ten_text(int exponent);            // 10⁻⁴

}  // namespace hone::report
