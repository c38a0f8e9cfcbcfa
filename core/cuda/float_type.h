#pragma once
// The element types that CUDA kernels compute on, named without a CUDA header. Arithmetic inside is fp32.
namespace hone {

enum class CudaFloat { fp32, bf16, fp16 };

}  // namespace hone
