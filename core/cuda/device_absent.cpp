// Stands in for device.cu in a build without nvcc.
#include "core/base/error.h"
#include "core/cuda/device.h"

namespace hone::cuda {

bool compiled_in() noexcept { return false; }

int device_count() noexcept { return 0; }

std::string describe() { return "built without CUDA"; }

void require_device() {
  throw Error(Exit::usage, "CU001", "no CUDA device", "model.device", "this build holds no CUDA code",
              "use model.device cpu, or configure with -DHONE_CUDA=ON where nvcc is");
}

}  // namespace hone::cuda
