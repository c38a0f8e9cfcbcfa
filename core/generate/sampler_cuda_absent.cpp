// Stands in for sampler_cuda.cu in a build without nvcc.
#include "core/cuda/device.h"
#include "core/generate/sampler_cuda.h"

namespace hone::generate {

void sample_cuda(const SampleArgs&, void*) { cuda::require_device(); }

}  // namespace hone::generate
