#pragma once
// How much memory a micro-batch takes while it is trained on, from the shape of the model alone.
#include "core/formats/model_config.h"
#include "core/model/builder.h"

namespace hone::model {

struct ActivationEstimate {
  double per_token = 0;  // bytes: what the tape keeps, and the most that is under way beside it
  double fixed = 0;      // bytes whatever the number of tokens: a chunk of logits, a dequantised weight
};

// Attention computes sequence by sequence; what it takes beyond its inputs and outputs (scores, in fp16
// alone) grows with the square of a sequence's length, here `longest`.
ActivationEstimate estimate_activations(const formats::ModelConfig& config, const BuildSpec& spec,
                                        bool recompute, std::int64_t longest);

}  // namespace hone::model
