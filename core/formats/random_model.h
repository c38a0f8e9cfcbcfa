#pragma once
// A model that has no weights yet: config.json alone, with the values that transformers starts a Llama from: matrices
// normal with mean 0 and standard deviation initializer_range (0.02 where it is not stated), norms 1, biases 0, and 0
// in the embedding's row of pad_token_id. Every value is a function of (seed, tensor, element): Philox by the tensor's
// name, then Box-Muller. So ranks agree, and so do pieces of any size.
#include <cstdint>
#include <string>

#include "core/formats/tensor_source.h"

namespace hone::formats {

// `folder` holds config.json; weights beside it are not looked at. Errors: exit 3, as for any config.json.
ModelFiles random_model(const std::string& folder, std::uint64_t seed);

}  // namespace hone::formats
