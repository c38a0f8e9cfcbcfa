// Stands in for dropout_cuda.cu in a build without nvcc.
#include "core/cuda/device.h"
#include "core/nn/dropout_cuda.h"

namespace hone::nn {

void dropout_mask_cuda(const DropoutMaskArgs&, void*) { cuda::require_device(); }

}  // namespace hone::nn
