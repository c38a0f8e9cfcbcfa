#pragma once
// Residual addition and RMSNorm on a CUDA device: formula and rounding as in core/nn/rms_norm.h. Device
// pointers; matrices [rows, width] contiguous in `type`; 16-byte accesses where pointers and width allow.
// Work is queued on `stream` (a cudaStream_t; null: the default one). Deterministic. Error CU001 without a
// device, CU002 on a failed launch.
#include <cstdint>

#include "core/cuda/float_type.h"

namespace hone::nn {

struct RmsNormForwardArgs {
  CudaFloat type = CudaFloat::fp32;
  std::int64_t rows = 0, width = 0;
  const void* x = nullptr;
  const void* delta = nullptr;   // null: plain norm of x, `sum` is not written
  const void* weight = nullptr;  // [width] in `type`
  float eps = 0;
  void* sum = nullptr;  // may be x or delta
  void* normed = nullptr;
  float* rstd = nullptr;  // [rows]
};
void rms_norm_forward_cuda(const RmsNormForwardArgs& args, void* stream);

// d_weight is summed in two stages: over the rows of each of kRmsNormGroups groups, then over groups, in
// order.
inline constexpr std::int64_t kRmsNormGroups = 64;

struct RmsNormBackwardArgs {
  CudaFloat type = CudaFloat::fp32;
  std::int64_t rows = 0, width = 0;
  const void* d_sum = nullptr;  // may be null
  const void* d_normed = nullptr;
  const void* sum = nullptr;
  const float* rstd = nullptr;
  const void* weight = nullptr;
  void* d_x = nullptr;         // may be d_sum
  float* d_weight = nullptr;   // [width], added to; null: not wanted
  float* workspace = nullptr;  // [kRmsNormGroups, width], where d_weight is wanted
};
void rms_norm_backward_cuda(const RmsNormBackwardArgs& args, void* stream);

}  // namespace hone::nn
