#pragma once
// LibTorch's CUDA half, brought into the process when a run asks for it: the program links the CPU half
// alone, so it starts where no CUDA library is.
#include <string>
#include <vector>

namespace hone::device {

// Loads libtorch_cuda.so and what it needs, once, and makes sure that a device answers. Comes before anything
// else that asks LibTorch about CUDA. Throws Error(Exit::usage) CU001 without a device, CU003 where the
// library is not found or does not load, saying where it looked.
void load_cuda();

// The files tried, in order: in HONE_TORCH_LIB where that is set, beside the libtorch_cpu.so in use, and last
// by the system's own search.
std::vector<std::string> cuda_library_places();

// Loads the first of the files that can be loaded; CU003 with what each one lacked.
void load_library(const std::vector<std::string>& places);

}  // namespace hone::device
