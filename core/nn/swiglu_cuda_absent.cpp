// Stands in for swiglu_cuda.cu in a build without nvcc.
#include "core/cuda/device.h"
#include "core/nn/swiglu_cuda.h"

namespace hone::nn {

void swiglu_forward_cuda(CudaFloat, std::int64_t, const void*, const void*, void*, void*) {
  cuda::require_device();
}

void swiglu_backward_cuda(CudaFloat, std::int64_t, const void*, const void*, const void*, void*, void*,
                          void*) {
  cuda::require_device();
}

}  // namespace hone::nn
