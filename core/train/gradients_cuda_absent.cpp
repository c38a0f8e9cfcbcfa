// Stands in for gradients_cuda.cu in a build without nvcc.
#include "core/cuda/device.h"
#include "core/train/gradients_cuda.h"

namespace hone::train {

void global_norm_cuda(const float*, std::int64_t, double*, double*, void*) { cuda::require_device(); }

void first_not_finite_cuda(const float*, std::int64_t, std::int64_t*, void*) { cuda::require_device(); }

void scale_cuda(float*, std::int64_t, float, void*) { cuda::require_device(); }

}  // namespace hone::train
