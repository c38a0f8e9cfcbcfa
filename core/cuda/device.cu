#include <cuda_runtime.h>

#include "core/base/error.h"
#include "core/cuda/device.h"

namespace hone::cuda {

bool compiled_in() noexcept { return true; }

int device_count() noexcept {
  int count = 0;
  if (cudaGetDeviceCount(&count) == cudaSuccess) return count;
  cudaGetLastError();  // clears the error, which would otherwise surface at the next launch
  return 0;
}

std::string describe() {
  const std::string built = "CUDA " + std::to_string(CUDART_VERSION / 1000) + "." +
                            std::to_string(CUDART_VERSION % 1000 / 10) + ", devices: ";
  if (device_count() == 0) return built + "none";
  cudaDeviceProp properties{};
  if (cudaGetDeviceProperties(&properties, 0) != cudaSuccess) return built + "unreadable";
  return built + std::to_string(device_count()) + " (" + properties.name + ")";
}

namespace {

// The kernels are built for compute capability 8.0 (Ampere) and newer.
void require_new_enough() {
  int major = 0;
  if (cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, 0) != cudaSuccess || major >= 8)
    return;
  throw Error(Exit::usage, "CU004", "GPU too old", "model.device",
              "compute capability " + std::to_string(major),
              "8.0 (A100) or newer is needed; use model.device cpu");
}

}  // namespace

void require_device() {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status == cudaSuccess && count > 0) return require_new_enough();
  cudaGetLastError();
  throw Error(Exit::usage, "CU001", "no CUDA device", "model.device",
              status == cudaSuccess ? "the driver reports none" : cudaGetErrorString(status),
              "use model.device cpu, or run where nvidia-smi lists a GPU");
}

}  // namespace hone::cuda
