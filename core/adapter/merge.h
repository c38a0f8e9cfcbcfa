#pragma once
// Folding LoRA adapters into the weight they stand on: W' = W + s1 B1 A1 + s2 B2 A2 + ..., in fp32, in order.
#include <span>
#include <vector>

#include "core/formats/peft.h"

namespace hone::adapter {

// `weight` [out, in] of `module` (a linear's path); adapters that leave it alone do nothing.
void fold(const std::vector<const formats::PeftAdapter*>& adapters, const std::string& module,
          std::int64_t out, std::int64_t in, std::span<float> weight);

}  // namespace hone::adapter
