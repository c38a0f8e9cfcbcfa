#pragma once
// The devices that tests run on beside the CPU.
#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "core/cuda/device.h"
#include "core/device/device.h"
#include "core/device/load_cuda.h"
#include "tests/core/foreign_device.h"

namespace hone::test {

inline std::vector<std::string> device_names() {
  std::vector<std::string> names{"foreign"};
  if (cuda::device_count() > 0) names.push_back("cuda");
  return names;
}

inline at::Device device_named(const std::string& name) {
  if (name == "foreign") return foreign_device();
  device::load_cuda();
  return device::device_of(name);
}

}  // namespace hone::test
