#pragma once
// AdamW over a range of the arena on a CUDA device: the arithmetic of core/optim/adamw.h, one launch for all
// parameters. Pointers are device memory or pinned host memory the device can address: with exp_avg and
// exp_avg_sq in pinned memory the state is read and written over the bus once a step (paged AdamW); a caller
// that stages chunks calls it chunk by chunk with the same result. Queued on `stream`. Error CU001, CU002 as
// elsewhere.
#include <cstdint>

#include "core/cuda/float_type.h"

namespace hone::optim {

inline constexpr int kAdamWGroups = 8;             // parameter groups that differ in learning rate or decay
inline constexpr std::int64_t kAdamWGranule = 64;  // elements of one group: the arena's alignment

struct AdamWGroup {
  float decay = 1;      // 1 - lr * weight_decay
  float step_size = 0;  // lr / (1 - beta1^t)
};

struct AdamWArgs {
  std::int64_t elements = 0;
  float* weights = nullptr;  // fp32 masters
  const float* gradient = nullptr;
  float* exp_avg = nullptr;
  float* exp_avg_sq = nullptr;
  float one_minus_beta1 = 0, beta2 = 0, one_minus_beta2 = 0, eps = 0;
  float inverse_root_correction2 = 0;  // 1 / sqrt(1 - beta2^t)
  AdamWGroup groups[kAdamWGroups];
  const std::uint8_t* group_of =
      nullptr;  // [ceil(elements / 64)]: the group of each granule; null: all group 0
  CudaFloat view_type = CudaFloat::fp32;
  void* view = nullptr;  // the compute copy, published in the same pass; null: none
};
void adamw_cuda(const AdamWArgs& args, void* stream);

}  // namespace hone::optim
