// Stands in for rotary_cuda.cu in a build without nvcc.
#include "core/cuda/device.h"
#include "core/nn/rotary_cuda.h"

namespace hone::nn {

void rotate_cuda(const RotateArgs&, void*) { cuda::require_device(); }

}  // namespace hone::nn
