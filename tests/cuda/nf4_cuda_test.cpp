#include "core/quant/nf4_cuda.h"

#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/cuda/device.h"

namespace hone {
namespace {

TEST(Cuda, SaysInOneLineWhatThisBuildAndMachineHave) {
  const std::string line = cuda::describe();
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(line.find("CUDA") != std::string::npos, true);
  if (!cuda::compiled_in()) {
    EXPECT_EQ(cuda::device_count(), 0);
  }
}

TEST(Cuda, AMissingDeviceIsOneClearError) {
  if (cuda::device_count() > 0) GTEST_SKIP() << "this machine has a CUDA device";
  const float absmax = 1;
  try {
    nf4_dequantize_cuda({.elements = 64, .absmax = &absmax}, CudaFloat::bf16, nullptr, nullptr);
    FAIL() << "ran without a device";
  } catch (const Error& error) {
    EXPECT_EQ(error.exit(), Exit::usage);
    EXPECT_EQ(error.code(), "CU001");
    EXPECT_NE(std::string(error.what()).find("model.device"), std::string::npos);
  }
}

}  // namespace
}  // namespace hone
