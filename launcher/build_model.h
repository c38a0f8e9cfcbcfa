#pragma once
// From [model] and [adapter] to a model with its weights.
#include <memory>

#include "core/model/model.h"
#include "launcher/model_input.h"

namespace hone::launcher {

// model.dtype must be resolved. With adapter.init, rank, alpha and targets are written into the config.
// Memory is checked before loading.
model::Model build_model(Config& config, Purpose purpose);

// The digest that ties a checkpoint to its base model and adapters.
std::uint64_t base_fingerprint(const Config& config);

}  // namespace hone::launcher
