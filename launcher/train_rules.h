#pragma once
// [train] read as rules: what is refused before anything is loaded, and the plan of the training loop.
#include <optional>
#include <string>
#include <vector>

#include "core/train/trainer.h"
#include "launcher/run_options.h"

namespace hone::launcher {

// Throws Error(Exit::usage) where keys of [train] are not understood or exclude one another.
void require_possible(const Config& config);

// The same where [adapter] is set up and adapter.type says that none is trained: LoRA was meant, and all weights would be
// trained. Settings may stay beside an adapter.type that was given, start values may not.
void require_adapter_meant(const Config& config, bool type_given);

// One line for each setting that changes nothing: of another optimizer or schedule, or of the schedule beside a relative
// step. A .cfg may hold them for another day.
std::vector<std::string> settings_without_effect(const Config& config);

// The same where [dist] does not fit the number of ranks or the rest; model.device must be resolved.
void require_ranks_fit(const Config& config, int world_size);

// train.max_time in seconds.
std::optional<double> time_limit(const TrainOptions& options);

// train.steps must be resolved; resolves greater_is_better.
train::TrainPlan make_plan(TrainOptions& options);

}  // namespace hone::launcher
