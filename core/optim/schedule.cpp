#include "core/optim/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/base/registry.h"

namespace hone::optim {
namespace {

struct Horizon {
  double warmup, total;
  double ramp(double t) const { return t / std::max(1.0, warmup); }
  double left(double t) const { return (total - t) / std::max(1.0, total - warmup); }
};

Schedule constant(Horizon h) {
  return [h](std::int64_t t) { return t < h.warmup ? h.ramp(static_cast<double>(t)) : 1.0; };
}

Schedule linear(Horizon h) {
  return [h](std::int64_t t) {
    return t < h.warmup ? h.ramp(static_cast<double>(t)) : std::max(0.0, h.left(static_cast<double>(t)));
  };
}

Schedule cosine(Horizon h) {
  return [h](std::int64_t t) {
    if (t < h.warmup) return h.ramp(static_cast<double>(t));
    const double progress = (static_cast<double>(t) - h.warmup) / std::max(1.0, h.total - h.warmup);
    return std::max(0.0, 0.5 * (1.0 + std::cos(std::numbers::pi * progress)));
  };
}

}  // namespace

std::int64_t warmup_steps(const ScheduleOptions& options, std::int64_t total_steps) {
  if (options.warmup_steps > 0) return options.warmup_steps;
  return static_cast<std::int64_t>(std::ceil(static_cast<double>(total_steps) * options.warmup_ratio));
}

Schedule make_schedule(const ScheduleOptions& options, std::int64_t total_steps) {
  const Horizon horizon{static_cast<double>(warmup_steps(options, total_steps)), static_cast<double>(total_steps)};
  return Registry<Schedule>{"schedule.name", options.name}
      .entry("constant", [&] { return constant(horizon); })
      .entry("linear", [&] { return linear(horizon); })
      .entry("cosine", [&] { return cosine(horizon); })
      .build();
}

}  // namespace hone::optim
