#pragma once
// Multiplications and additions of a training pass, from the shape of the model alone: the model's own, so
// that what is done more than once for want of memory counts only where recomputation is asked for.
#include "core/formats/tensor_source.h"
#include "core/model/builder.h"

namespace hone::model {

struct TokenFlops {
  double forward = 0;
  double backward = 0;  // recomputation included
  double total() const { return forward + backward; }
};

// Of one token in sequences of `length`, each token seeing those before it; `supervised` is the share of
// tokens that meet the head.
TokenFlops token_flops(const formats::ModelFiles& files, const BuildSpec& spec, bool recompute,
                       std::int64_t length, double supervised);

}  // namespace hone::model
