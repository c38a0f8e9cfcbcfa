#pragma once
// One adapted linear of a PEFT folder, as the model takes it.
#include <ATen/core/Tensor.h>

#include "core/formats/peft.h"

namespace hone::adapter {

// AD010 (exit 3) unless the pair is for a linear of [out, in].
void require_fit(const formats::PeftPair& pair, std::int64_t out, std::int64_t in);

// A or B, decoded and cast.
at::Tensor to_tensor(const formats::SafetensorsEntry& entry, at::ScalarType dtype);

}  // namespace hone::adapter
