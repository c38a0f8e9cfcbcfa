#pragma once
// What a run leaves for others: a PEFT adapter folder, or a Hugging Face model folder.
#include <string>

#include "core/model/model.h"
#include "launcher/run_options.h"

namespace hone::launcher {

// run.dir/adapter where an adapter was trained, run.dir/model otherwise; returns the folder. `weights` is what the
// arena's on_host() gave. Rank 0 only.
std::string export_trained(const Config& config, model::Model& model, const at::Tensor& weights);

}  // namespace hone::launcher
