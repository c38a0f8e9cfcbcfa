#pragma once
// From [model] and [adapter] to a model with its weights.
#include <memory>

#include "core/formats/peft.h"
#include "core/model/model.h"
#include "launcher/run_options.h"

namespace hone::launcher {

enum class Purpose { train, infer };

// model.dtype must be resolved. With adapter.init, rank, alpha and targets are written into the config. Memory is
// checked before loading.
model::Model build_model(Config& config, Purpose purpose);

// The digest that ties a checkpoint to its base model and adapters.
std::uint64_t base_fingerprint(const Config& config);

}  // namespace hone::launcher
