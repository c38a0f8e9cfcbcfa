#include "dist/backoff.h"

#include <algorithm>
#include <thread>

namespace hone::dist {

void Backoff::pause(Clock::time_point poll_began) {
  using namespace std::chrono_literals;
  constexpr auto kMovedData = 10us, kYieldOnly = 40us;
  constexpr std::chrono::nanoseconds kLongest = 1ms;
  const auto now = Clock::now();
  if (now - poll_began > kMovedData) idle_since_ += (now - idle_since_) / 2;
  const auto idle = now - idle_since_;
  if (idle < kYieldOnly)
    std::this_thread::yield();
  else
    std::this_thread::sleep_for(std::min<std::chrono::nanoseconds>(idle / 8, kLongest));
}

}  // namespace hone::dist
