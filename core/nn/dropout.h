#pragma once
// Inverted dropout whose mask is a pure function of what it falls on (keyed_noise.h). One mask per input
// site: q, k and v share the mask of their common input.
#include "core/nn/pass.h"

namespace hone::nn {

struct DropoutSite {
  double rate = 0;
  std::uint32_t site = 0;  // numbers the places in a model where dropout falls
};

// [T, H] of 0 or 1 / (1 - rate) in x's dtype.
at::Tensor dropout_mask(const Pass& pass, const at::Tensor& x, const DropoutSite& site);

}  // namespace hone::nn
