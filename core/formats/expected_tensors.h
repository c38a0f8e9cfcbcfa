#pragma once
// Which tensors an architecture has.
#include <vector>

#include "core/formats/tensor_source.h"

namespace hone::formats {

// Names and shapes (dtype left at its default).
std::vector<TensorInfo> expected_tensors(const ModelConfig& config);

// MD001: a tensor missing; MD003: one that is not expected; MD004: one of another shape. Ignored: the output
// matrix beside tied embeddings, and the rotary frequencies that old checkpoints carry.
void check_tensors(const ModelConfig& config, const TensorSource& source, const std::string& path);

}  // namespace hone::formats
