// Stands in for adamw_cuda.cu in a build without nvcc.
#include "core/cuda/device.h"
#include "core/optim/adamw_cuda.h"

namespace hone::optim {

void adamw_cuda(const AdamWArgs&, void*) { cuda::require_device(); }

}  // namespace hone::optim
