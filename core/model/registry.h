#pragma once
// The registry of model families.
#include "core/model/builder.h"
#include "core/model/model.h"

namespace hone::model {

std::unique_ptr<Family> make_family(const formats::ModelConfig& config, ModuleBuilder& builder);

// Reads the weights and builds the model. `files` is no longer needed afterwards.
Model build_model(const formats::ModelFiles& files, const BuildSpec& spec, bool recompute);

}  // namespace hone::model
