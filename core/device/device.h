#pragma once
// The compute device as the rest of core sees it, for CPUs and CUDA alike; no CUDA header, no link to
// LibTorch's CUDA half (load_cuda.h). Functions that name a CUDA device need load_cuda() before.
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

#include "core/cuda/float_type.h"

namespace hone::device {

// "cpu" or "cuda", as model.device has it once resolved.
at::Device device_of(const std::string& name);

// The CUDA stream (a cudaStream_t) that this thread's operators on `device` are queued on.
void* stream_on(at::Device device);
void synchronize(at::Device device);  // waits for everything queued; a CPU has nothing to wait for

// Tensors our CUDA kernels take: on a CUDA device, contiguous, fp32, bf16 or fp16.
bool has_cuda_kernel(const at::Tensor& tensor);
CudaFloat cuda_float(at::ScalarType type);

// Bytes of a CUDA device: what tensors hold, the most they held since the last reset, what is free, all there
// is.
struct MemoryUse {
  std::int64_t allocated = 0, peak = 0, free = 0, total = 0;
};
MemoryUse memory_use(at::Device device);
void reset_peak_memory(at::Device device);

// fp32 [elements], zero: on `device`, or, `pinned`, in host memory that a CUDA device reads and writes over
// the bus.
at::Tensor zeros(std::int64_t elements, at::Device device, bool pinned = false);
// Memory of `device` as a tensor of bytes; not owned.
at::Tensor bytes_at(void* data, std::int64_t bytes, at::Device device);

}  // namespace hone::device
