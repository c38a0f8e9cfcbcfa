#pragma once
// NCCL and the CUDA runtime, brought into the process when a run asks for device collectives.
#include <string>

#include "dist/nccl_api.h"

namespace hone::dist {

// Loads libnccl.so.2 and libcudart.so.13 once: those that LibTorch's CUDA half brought along where it is
// loaded. Throws Error(Exit::usage, "MP012") where one is missing, lacks a function or is too old, saying
// what.
const NcclLibraries& load_nccl();

// The same from files by name.
NcclLibraries load_nccl_from(const std::string& nccl, const std::string& cuda);

}  // namespace hone::dist
