#pragma once
// SwiGLU on a CUDA device: formula as in core/nn/swiglu.h. Device pointers to `elements` values of `type`; an
// output may be an input. Queued on `stream`. Error CU001 without a device, CU002 on a failed launch.
#include <cstdint>

#include "core/cuda/float_type.h"

namespace hone::nn {

void swiglu_forward_cuda(CudaFloat type, std::int64_t elements, const void* gate, const void* up, void* out,
                         void* stream);
void swiglu_backward_cuda(CudaFloat type, std::int64_t elements, const void* d_out, const void* gate,
                          const void* up, void* d_gate, void* d_up, void* stream);

}  // namespace hone::nn
