#pragma once
// CUDA devices as the rest of the program sees them: no CUDA header, so every layer may include it. A build without
// nvcc carries device_absent.cpp instead: no devices, and the same clear error for whoever asks for one.
#include <string>

namespace hone::cuda {

bool compiled_in() noexcept;  // this build holds CUDA code
int device_count() noexcept;  // 0 without CUDA code, driver or device
std::string describe();       // one line for `hone --version` and logs
// Error(Exit::usage) on model.device: CU001 where there is nothing to run on, CU004 where the GPU is too old.
void require_device();

}  // namespace hone::cuda
