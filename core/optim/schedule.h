#pragma once
// Learning-rate schedules as transformers (optimization.py) and torch (StepLR, ExponentialLR) compute them: a
// multiplier of the peak rate for the t-th update, t counted from 0, so the first update under warm-up runs
// at 0.
#include <cstdint>
#include <functional>

#include "core/optim/optim_options.h"

namespace hone::optim {

using Schedule = std::function<double(std::int64_t updates_done)>;

// warmup_steps where given, else ceil(total_steps * warmup_ratio).
std::int64_t warmup_steps(const ScheduleOptions& options, std::int64_t total_steps);

// The registry of schedules. `optim` says the peak rate, and whether Adafactor's relative step takes the
// schedule's place. Options that do not go together are an Error (exit 2).
Schedule make_schedule(const ScheduleOptions& options, const OptimOptions& optim, std::int64_t total_steps);

}  // namespace hone::optim
