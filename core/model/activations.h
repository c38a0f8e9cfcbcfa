#pragma once
// How much memory a micro-batch takes while it is trained on, from the shape of the model alone: what the
// tape keeps, and the most that is under way beside it. A model of what the operators of core/nn keep and
// make, for the Llama family; weights and gradients are not in it.
#include "core/formats/model_config.h"
#include "core/model/builder.h"

namespace hone::model {

struct MicroBatchSize {
  std::int64_t tokens = 0;
  std::int64_t targets = 0;  // rows that meet the head
  std::int64_t longest = 0;  // no sequence has more tokens
  std::int64_t strands = 1;  // that it is cut into (strands.h)
};

// Bytes at the highest point of forward and backward of one micro-batch. On CPUs within a few percent of what
// tensors then take; not below it for strands, whose pace is theirs, and for fp16, which has no kernels
// there.
double activation_bytes(const formats::ModelConfig& config, const BuildSpec& spec, bool recompute,
                        const MicroBatchSize& size);

}  // namespace hone::model
