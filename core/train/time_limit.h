#pragma once
// Ends a run before its time is over. Pure: told the time at each step's end, in seconds since the command
// began.
#include <algorithm>
#include <optional>

namespace hone::train {

class TimeLimit {
 public:
  // `limit` absent: no end. `now`: when training begins.
  TimeLimit(std::optional<double> limit, double now) : limit_(limit), last_(now) {}

  // The longest time between two calls stands for what is to come: with less than two of it (a further step with its
  // evaluation, and some to spare) and `saving`, until a checkpoint begun then is on the disk, it is time to stop.
  bool over(double now, double saving = 0) {
    longest_ = std::max(longest_, now - last_);
    last_ = now;
    return limit_ && now + 2 * longest_ + saving > *limit_;
  }

 private:
  std::optional<double> limit_;
  double last_, longest_ = 0;
};

}  // namespace hone::train
