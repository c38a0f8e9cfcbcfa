// Stands in for embedding_cuda.cu in a build without nvcc.
#include "core/cuda/device.h"
#include "core/nn/embedding_cuda.h"

namespace hone::nn {

void embedding_forward_cuda(CudaFloat, std::int64_t, std::int64_t, const std::int64_t*, const void*, void*,
                            void*) {
  cuda::require_device();
}

void embedding_backward_cuda(CudaFloat, std::int64_t, std::int64_t, const std::int64_t*, const void*, float*,
                             void*) {
  cuda::require_device();
}

}  // namespace hone::nn
