#pragma once
// NEFTune (Jain et al. 2023): noise on the embeddings in training, uniform in +-alpha / sqrt(L d) with L the length of
// the token's own sequence (there is no padding to count) and d the width. Keyed as dropout's masks are.
#include "core/nn/pass.h"

namespace hone::nn {

// x [T, d] plus noise, in x's dtype; the sum in fp32 (fp64). Its gradient in x is the identity.
at::Tensor add_neftune_noise(const Pass& pass, const at::Tensor& x, double alpha);

}  // namespace hone::nn
