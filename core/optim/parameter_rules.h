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

// visit(index of the rule, piece, the part of the piece that is this parameter's) for each parameter that a piece
// meets, in arena order.
template <class Pieces, class Visit>
void for_parameters(const std::vector<ParameterRule>& rules, const Pieces& pieces, Visit&& visit) {
  for (const auto& piece : pieces) {
    const auto begin = std::partition_point(rules.begin(), rules.end(), [&](const ParameterRule& rule) {
      return rule.range.end <= piece.range.begin;
    });
    for (auto rule = begin; rule != rules.end() && rule->range.begin < piece.range.end; ++rule) {
      const Range part{std::max(piece.range.begin, rule->range.begin),
                       std::min(piece.range.end, rule->range.end)};
      if (!part.empty()) visit(static_cast<std::size_t>(rule - rules.begin()), piece, part);
    }
  }
}

}  // namespace hone::optim
