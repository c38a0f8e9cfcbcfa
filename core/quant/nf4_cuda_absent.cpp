// Stands in for nf4_cuda.cu in a build without nvcc.
#include "core/cuda/device.h"
#include "core/quant/nf4_cuda.h"

namespace hone {

void nf4_dequantize_cuda(const Nf4View&, CudaFloat, void*, void*) { cuda::require_device(); }

void nf4_quantize_cuda(const void*, CudaFloat, std::int64_t, std::uint8_t*, float*, void*) {
  cuda::require_device();
}

}  // namespace hone
