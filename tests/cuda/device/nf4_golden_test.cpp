// Needs a CUDA device; skips loudly without one.
#include <cuda_runtime_api.h>
#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "core/cuda/device.h"
#include "core/formats/safetensors.h"
#include "core/quant/nf4_cuda.h"

namespace hone {
namespace {

using formats::DType;
using formats::SafetensorsEntry;
using formats::SafetensorsFile;
using DeviceBytes = std::unique_ptr<void, decltype(&cudaFree)>;

DeviceBytes on_device(std::size_t size) {
  void* bytes = nullptr;
  if (cudaMalloc(&bytes, size) != cudaSuccess) throw std::bad_alloc();
  return {bytes, cudaFree};
}

DeviceBytes on_device(std::span<const std::byte> bytes) {
  DeviceBytes copy = on_device(bytes.size());
  cudaMemcpy(copy.get(), bytes.data(), bytes.size(), cudaMemcpyHostToDevice);
  return copy;
}

class Nf4OnDevice : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (cuda::device_count() == 0) GTEST_SKIP() << "no CUDA device on this machine";
  }

  const SafetensorsEntry* find(const std::string& part) const { return file_.find(GetParam() + ("." + part)); }
  DeviceBytes copy(const std::string& part) const { return on_device(find(part)->bytes); }

  void expect_bits(Nf4DeviceView view, const SafetensorsEntry& expected) const {
    const DeviceBytes codes = copy("packed"), out = on_device(expected.bytes.size());
    view.codes = static_cast<const std::uint8_t*>(codes.get());
    view.elements = formats::element_count(expected.info.shape);
    const CudaFloat type = expected.info.dtype == DType::f32    ? CudaFloat::fp32
                           : expected.info.dtype == DType::bf16 ? CudaFloat::bf16
                                                                : CudaFloat::fp16;
    nf4_dequantize_cuda(view, type, out.get(), nullptr);
    std::vector<std::byte> values(expected.bytes.size());
    ASSERT_EQ(cudaMemcpy(values.data(), out.get(), values.size(), cudaMemcpyDeviceToHost), cudaSuccess);
    EXPECT_EQ(std::memcmp(values.data(), expected.bytes.data(), values.size()), 0);
  }

  SafetensorsFile file_{HONE_GOLDEN_DIR "/core/nf4.safetensors"};
};

TEST_P(Nf4OnDevice, PlainScalesGiveBitsandbytesValues) {
  if (find("dequantized") == nullptr) GTEST_SKIP() << "this case holds double-quantised values only";
  const DeviceBytes absmax = copy("absmax");
  expect_bits({.absmax = static_cast<const float*>(absmax.get())}, *find("dequantized"));
}

TEST_P(Nf4OnDevice, DoubleQuantisedScalesGiveBitsandbytesValues) {
  const DeviceBytes codes = copy("nested_codes"), absmax = copy("nested_absmax");
  const DeviceBytes map = on_device(file_.find("nested_quant_map")->bytes);
  Nf4DeviceView view{.nested_codes = static_cast<const std::uint8_t*>(codes.get()),
                     .nested_map = static_cast<const float*>(map.get()),
                     .nested_absmax = static_cast<const float*>(absmax.get())};
  std::memcpy(&view.nested_offset, find("nested_offset")->bytes.data(), sizeof(float));
  expect_bits(view, *find("nested_dequantized"));
}

INSTANTIATE_TEST_SUITE_P(Cases, Nf4OnDevice,
                         testing::Values("normal", "zero_block", "partial", "extremes", "many", "half"));

}  // namespace
}  // namespace hone
