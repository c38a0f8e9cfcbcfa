#pragma once
// What the update of each trained parameter goes by.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/optim/optim_options.h"
#include "core/train/shard_plan.h"

namespace hone::optim {

struct ParameterRule {
  Range range;  // in the arena, without padding
  std::vector<std::int64_t> shape;
  double weight_decay = 0;  // 0 for norms and biases
  double lr_scale = 1;      // of the step's learning rate
};

// One rule per parameter, in arena order. LoRA+ (Hayou et al. 2024) as PEFT groups it: lora_B and vectors
// move optim.loraplus_lr_ratio times as fast as the rest.
std::vector<ParameterRule> parameter_rules(const OptimOptions& options, const ArenaLayout& layout);

// visit(index of the rule, the part of `range` that is this parameter's) for each parameter that `range`
// meets.
template <class Visit>
void for_parameters(const std::vector<ParameterRule>& rules, Range range, Visit&& visit) {
  for (std::size_t p = 0; p < rules.size(); ++p) {
    const Range part{std::max(range.begin, rules[p].range.begin), std::min(range.end, rules[p].range.end)};
    if (!part.empty()) visit(p, part);
  }
}

}  // namespace hone::optim
