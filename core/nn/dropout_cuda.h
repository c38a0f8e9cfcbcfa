#pragma once
// The dropout mask on a CUDA device: the bits of nn::dropout_mask, a function of (seed, epoch, site; sample,
// slot, position, feature). What changes from batch to batch lies in device memory, so that a captured graph
// replays with new values. Queued on `stream`. Error CU001 without a device, CU002 on a failed launch.
#include <cstdint>

#include "core/cuda/float_type.h"

namespace hone::nn {

struct DropoutMaskArgs {
  CudaFloat type = CudaFloat::fp32;
  std::int64_t tokens = 0, width = 0;
  std::uint64_t seed = 0;
  std::uint32_t site = 0;
  double rate = 0;
  const std::int64_t* epoch = nullptr;      // one value
  const std::uint32_t* sample = nullptr;    // of each token, [tokens]
  const std::uint32_t* slot = nullptr;      // [tokens]
  const std::uint32_t* position = nullptr;  // within its sequence, [tokens]
  void* mask = nullptr;                     // [tokens, width]: 0 or 1 / (1 - rate)
};
void dropout_mask_cuda(const DropoutMaskArgs& args, void* stream);

}  // namespace hone::nn
