#pragma once
// Rotary positions on a CUDA device: formula as in core/nn/rotary.h. Device pointers, contiguous; queued on
// `stream`. Error CU001 without a device, CU002 on a failed launch.
#include <cstdint>

#include "core/cuda/float_type.h"

namespace hone::nn {

struct RotateArgs {
  CudaFloat type = CudaFloat::fp32;
  std::int64_t tokens = 0, heads = 0, dim = 0;  // dim even
  const void* x = nullptr;                      // [tokens, heads, dim]
  const float* cos = nullptr;                   // [tokens, dim / 2]
  const float* sin = nullptr;
  int sign = 1;         // 1 forward, -1 backward
  void* out = nullptr;  // may be x
};
void rotate_cuda(const RotateArgs& args, void* stream);

}  // namespace hone::nn
