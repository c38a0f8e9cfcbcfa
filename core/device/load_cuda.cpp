#include "core/device/load_cuda.h"

#include <ATen/Context.h>
#include <dlfcn.h>

#include <cstdlib>

#include "core/base/error.h"
#include "core/cuda/device.h"

namespace hone::device {
namespace {

constexpr const char* kLibrary = "libtorch_cuda.so";

std::string folder_of_libtorch_cpu() {
  Dl_info info{};
  if (!dladdr(reinterpret_cast<const void*>(&at::globalContext), &info) || !info.dli_fname) return {};
  const std::string path = info.dli_fname;
  return path.substr(0, path.rfind('/'));
}

}  // namespace

std::vector<std::string> cuda_library_places() {
  std::vector<std::string> places;
  if (const char* set = std::getenv("HONE_TORCH_LIB"); set && *set)
    places.push_back(std::string(set) + "/" + kLibrary);
  if (const std::string folder = folder_of_libtorch_cpu(); !folder.empty())
    places.push_back(folder + "/" + kLibrary);
  places.push_back(kLibrary);
  return places;
}

// Global, as if the program were linked with it: its registrations and those of its own dependencies see each
// other.
void load_library(const std::vector<std::string>& places) {
  std::string tried;
  for (const std::string& place : places) {
    if (dlopen(place.c_str(), RTLD_NOW | RTLD_GLOBAL)) return;
    tried += (tried.empty() ? "" : "; ") + std::string(dlerror());
  }
  throw Error(Exit::usage, "CU003", "LibTorch's CUDA library not loaded", "model.device", tried,
              "run scripts/setup.sh on the machine with the GPU, or set HONE_TORCH_LIB to the lib folder of "
              "torch 2.11.0 "
              "with CUDA 13");
}

void load_cuda() {
  static const bool loaded = [] {
    cuda::require_device();
    load_library(cuda_library_places());
    at::globalContext().lazyInitDevice(at::kCUDA);
    return true;
  }();
  (void)loaded;
}

}  // namespace hone::device
