// Where LibTorch's CUDA half is looked for, and what is said where it is not.
#include "core/device/load_cuda.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "core/base/error.h"
#include "core/cuda/device.h"

namespace hone::test {

TEST(LoadCuda, LooksInTheFolderNamedThenBesideTheCpuHalf) {
  ::unsetenv("HONE_TORCH_LIB");
  const std::vector<std::string> usual = device::cuda_library_places();
  ASSERT_EQ(usual.size(), 2u);
  const std::filesystem::path beside = std::filesystem::path(usual[0]).parent_path();
  EXPECT_TRUE(std::filesystem::exists(beside / "libtorch_cpu.so")) << usual[0];
  EXPECT_EQ(usual[1], "libtorch_cuda.so");
  ::setenv("HONE_TORCH_LIB", "/elsewhere/lib", 1);
  const std::vector<std::string> named = device::cuda_library_places();
  ::unsetenv("HONE_TORCH_LIB");
  ASSERT_EQ(named.size(), 3u);
  EXPECT_EQ(named[0], "/elsewhere/lib/libtorch_cuda.so");
}

TEST(LoadCuda, MissingLibraryIsOneErrorNamingEveryPlace) {
  try {
    device::load_library({"/nowhere/a/libtorch_cuda.so", "/nowhere/b/libtorch_cuda.so"});
    FAIL() << "no error";
  } catch (const Error& e) {
    const std::string text = e.what();
    EXPECT_EQ(e.exit(), Exit::usage);
    EXPECT_EQ(e.code(), "CU003");
    EXPECT_NE(text.find("/nowhere/a/libtorch_cuda.so"), text.npos) << text;
    EXPECT_NE(text.find("/nowhere/b/libtorch_cuda.so"), text.npos) << text;
    EXPECT_NE(text.find("HONE_TORCH_LIB"), text.npos) << text;
  }
}

TEST(LoadCuda, WithoutADeviceNothingIsLoaded) {
  if (cuda::device_count() > 0) return device::load_cuda();
  try {
    device::load_cuda();
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), "CU001");
  }
}

}  // namespace hone::test
