#include "core/base/clock.h"

#include <array>
#include <chrono>
#include <ctime>

namespace hone {
namespace {

std::string local_time(const char* format) {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::localtime_r(&now, &parts);
  std::array<char, 64> text{};
  return {text.data(), std::strftime(text.data(), text.size(), format, &parts)};
}

template <class Source>
double seconds_of() {
  return std::chrono::duration<double>(Source::now().time_since_epoch()).count();
}

}  // namespace

Clock steady_clock() {
  return [] { return seconds_of<std::chrono::steady_clock>(); };
}

Clock unix_clock() {
  return [] { return seconds_of<std::chrono::system_clock>(); };
}

std::string local_timestamp() { return local_time("%Y-%m-%dT%H:%M:%S"); }
std::string run_stamp() { return local_time("%Y%m%d-%H%M%S"); }

}  // namespace hone
