#include "core/optim/parameter_rules.h"

namespace hone::optim {

std::vector<ParameterRule> parameter_rules(const OptimOptions& options, const ArenaLayout& layout) {
  std::vector<ParameterRule> rules;
  for (const ParameterSlice& parameter : layout.parameters) {
    const bool fast = parameter.name.find("lora_B") != std::string::npos || parameter.shape.size() == 1;
    rules.push_back({parameter.range, parameter.shape, parameter.decay ? options.weight_decay : 0.0,
                     fast ? options.loraplus_lr_ratio : 1.0});
  }
  return rules;
}

}  // namespace hone::optim
