#include "dist/traffic_meter.h"

#include <algorithm>

namespace hone::dist {
namespace {

double seconds(TrafficMeter::Clock::duration time) { return std::chrono::duration<double>(time).count(); }

}  // namespace

void TrafficMeter::called(CollectiveKind kind, std::int64_t bytes) {
  const std::lock_guard lock(mutex_);
  Traffic::Count& count = traffic_.of(kind);
  ++count.calls;
  count.bytes += bytes;
}

void TrafficMeter::waited(Clock::duration time) {
  const std::lock_guard lock(mutex_);
  traffic_.waited_s += seconds(time);
}

void TrafficMeter::under_way(Clock::time_point asked, Clock::time_point done) {
  const std::lock_guard lock(mutex_);
  const auto begin = std::max(asked, last_done_);
  if (done > begin) traffic_.busy_s += seconds(done - begin);
  last_done_ = std::max(last_done_, done);
}

void TrafficMeter::under_way(double time) {
  const std::lock_guard lock(mutex_);
  traffic_.busy_s += time;
}

Traffic TrafficMeter::traffic() const {
  const std::lock_guard lock(mutex_);
  return traffic_;
}

}  // namespace hone::dist
