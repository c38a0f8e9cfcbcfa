#include "core/optim/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/base/registry.h"

namespace hone::optim {
namespace {

using std::numbers::pi;
using Shape = std::function<double(double)>;

struct Horizon {
  double warmup, total;
  // Share of the steps after warm-up that are done.
  double progress(double t) const { return (t - warmup) / std::max(1.0, total - warmup); }
};

[[noreturn]] void refuse(const char* key, const std::string& why, const char* hint) {
  throw Error(Exit::usage, "US042", "schedule not possible", key, why, hint);
}

// `shape` once t / warmup has risen from 0 to 1.
Schedule after_warmup(Horizon h, Shape shape) {
  return [h, shape = std::move(shape)](std::int64_t step) {
    const double t = static_cast<double>(step);
    return t < h.warmup ? t / h.warmup : shape(t);
  };
}

double half_wave(double cycles, double progress) {
  return 0.5 * (1.0 + std::cos(pi * cycles * 2.0 * progress));
}

Shape linear(Horizon h) {
  return [h](double t) { return std::max(0.0, (h.total - t) / std::max(1.0, h.total - h.warmup)); };
}

Shape cosine(Horizon h, double cycles, double lowest) {
  return [=](double t) { return std::max(0.0, half_wave(cycles, h.progress(t)) * (1.0 - lowest) + lowest); };
}

Shape cosine_with_restarts(Horizon h, double cycles) {
  return [=](double t) {
    const double progress = h.progress(t);
    return progress >= 1.0 ? 0.0 : half_wave(0.5, std::fmod(cycles * progress, 1.0));
  };
}

Shape polynomial(Horizon h, const ScheduleOptions& options, const OptimOptions& optim) {
  const double peak = optim.lr.value_or(1.0), end = options.lr_end, power = options.power;
  if (end >= peak)
    refuse("schedule.lr_end", "not below the peak learning rate", "lower it, or raise optim.lr");
  return [=](double t) {
    if (t > h.total) return end / peak;
    return ((peak - end) * std::pow(1.0 - h.progress(t), power) + end) / peak;
  };
}

Shape stairs(Horizon h, const ScheduleOptions& options) {
  if (!options.step_size) refuse("schedule.step_size", "schedule.name step needs it", "for example 100");
  const double width = static_cast<double>(*options.step_size), gamma = options.gamma.value_or(0.1);
  return [=](double t) { return std::pow(gamma, std::floor((t - h.warmup) / width)); };
}

Shape exponential(Horizon h, const ScheduleOptions& options) {
  if (!options.gamma) refuse("schedule.gamma", "schedule.name exponential needs it", "for example 0.999");
  return [h, gamma = *options.gamma](double t) { return std::pow(gamma, t - h.warmup); };
}

Shape inverse_sqrt(Horizon h, const ScheduleOptions& options) {
  const double otherwise = h.warmup > 0 ? h.warmup : 10000.0;
  const double scale = options.timescale ? static_cast<double>(*options.timescale) : otherwise;
  return [=](double t) { return 1.0 / std::sqrt((t + scale - h.warmup) / scale); };
}

// From 0 to 1.
double rise(const std::string& type, double progress) {
  if (type == "cosine") return 0.5 * (1.0 - std::cos(pi * progress));
  return type == "linear" ? progress : 1.0 - std::sqrt(1.0 - progress);
}

// From 1 to 0.
double fall(const std::string& type, double progress, double cycles) {
  if (type == "cosine") return half_wave(cycles, progress);
  return type == "linear" ? 1.0 - progress : 1.0 - std::sqrt(progress);
}

Schedule warmup_stable_decay(Horizon h, const ScheduleOptions& options) {
  const double decay =
      options.num_decay_steps ? static_cast<double>(*options.num_decay_steps) : std::ceil(h.total / 10);
  const double stable_end = h.total - decay;
  if (stable_end < h.warmup)
    refuse("schedule.num_decay_steps", "warm-up and fall take more than all steps", "shorten one of them");
  return [=, rising = options.warmup_type, falling = options.decay_type, lowest = options.min_lr_ratio,
          cycles = options.num_cycles.value_or(0.5)](std::int64_t step) {
    const double t = static_cast<double>(step);
    const auto above_lowest = [&](double factor) { return std::max(0.0, factor * (1.0 - lowest) + lowest); };
    if (t < h.warmup) return above_lowest(rise(rising, t / h.warmup));
    if (t < stable_end) return 1.0;
    return t < h.total ? above_lowest(fall(falling, (t - stable_end) / decay, cycles)) : lowest;
  };
}

// Adafactor's own learning rate.
Schedule relative_step(bool warmup_init) {
  return [=](std::int64_t done) {
    const double t = static_cast<double>(done + 1);
    return std::min(warmup_init ? 1e-6 * t : 1e-2, 1.0 / std::sqrt(t));
  };
}

}  // namespace

std::int64_t warmup_steps(const ScheduleOptions& options, std::int64_t total_steps) {
  if (options.warmup_steps > 0) return options.warmup_steps;
  return static_cast<std::int64_t>(std::ceil(static_cast<double>(total_steps) * options.warmup_ratio));
}

Schedule make_schedule(const ScheduleOptions& options, const OptimOptions& optim, std::int64_t total_steps) {
  if (optim.relative_step && optim.name != "adafactor")
    refuse("optim.relative_step", "optim.name " + optim.name + " has none", "it belongs to adafactor");
  if (optim.warmup_init && !optim.relative_step)
    refuse("optim.warmup_init", "it is how a relative step begins", "set optim.relative_step true");
  if (optim.relative_step) return relative_step(optim.warmup_init);
  const Horizon h{static_cast<double>(warmup_steps(options, total_steps)), static_cast<double>(total_steps)};
  const auto warm = [h](Shape shape) { return after_warmup(h, std::move(shape)); };
  const double cycles = options.num_cycles.value_or(0.5), restarts = options.num_cycles.value_or(1.0);
  return Registry<Schedule>{"schedule.name", options.name}
      .entry("constant", [&] { return warm([](double) { return 1.0; }); })
      .entry("constant_with_warmup", [&] { return warm([](double) { return 1.0; }); })
      .entry("linear", [&] { return warm(linear(h)); })
      .entry("cosine", [&] { return warm(cosine(h, cycles, 0.0)); })
      .entry("cosine_with_restarts", [&] { return warm(cosine_with_restarts(h, restarts)); })
      .entry("cosine_with_min_lr", [&] { return warm(cosine(h, cycles, options.min_lr_ratio)); })
      .entry("polynomial", [&] { return warm(polynomial(h, options, optim)); })
      .entry("step", [&] { return warm(stairs(h, options)); })
      .entry("exponential", [&] { return warm(exponential(h, options)); })
      .entry("inverse_sqrt", [&] { return warm(inverse_sqrt(h, options)); })
      .entry("warmup_stable_decay", [&] { return warmup_stable_decay(h, options); })
      .build();
}

}  // namespace hone::optim
