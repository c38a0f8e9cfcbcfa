#pragma once
// How often and how long, as the config says it. Errors: exit 2 (US030) naming the key.
#include <cstdint>
#include <string>

namespace hone::train {

// Every so many steps, or epochs: "200", "1e", "0.5e".
struct Interval {
  std::int64_t steps = 0;
  double epochs = 0;  // neither: never

  bool never() const { return steps == 0 && epochs == 0; }
  // Is one over with this step? Epochs done before and after it; a whole number of intervals counts as over.
  bool due(std::int64_t step, double epochs_before, double epochs_after) const;
};
Interval parse_interval(const std::string& key, const std::string& text);

// Seconds of "5400", "90m", "3h30m", "1d12h", "01:30:00" (hours:minutes:seconds).
double parse_duration(const std::string& key, const std::string& text);

}  // namespace hone::train
