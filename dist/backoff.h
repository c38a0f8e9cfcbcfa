#pragma once
// How to wait by polling without burning the core a neighbour needs: at first yield, then sleep for an eighth
// of the time waited so far, at most a millisecond. A poll that took long has moved data: wait half as long
// again.
#include <chrono>

namespace hone::dist {

class Backoff {
 public:
  using Clock = std::chrono::steady_clock;
  // Call after a poll that began at `poll_began` and found nothing finished.
  void pause(Clock::time_point poll_began);

 private:
  Clock::time_point idle_since_ = Clock::now();
};

}  // namespace hone::dist
