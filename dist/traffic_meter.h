#pragma once
// Counts what goes over one communicator, for its traffic(). From any thread.
#include <chrono>
#include <cstdint>
#include <mutex>

#include "core/ports/communicator.h"

namespace hone::dist {

class TrafficMeter {
 public:
  using Clock = std::chrono::steady_clock;

  void called(CollectiveKind kind, std::int64_t bytes);
  void waited(Clock::duration time);
  // A collective was asked for at `asked` and done at `done`. Told in the order of `done`.
  void under_way(Clock::time_point asked, Clock::time_point done);
  // The same where the time is known and overlaps with no other.
  void under_way(double seconds);
  Traffic traffic() const;

 private:
  mutable std::mutex mutex_;
  Traffic traffic_;
  Clock::time_point last_done_;
};

}  // namespace hone::dist
