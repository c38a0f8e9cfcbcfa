#pragma once
// A frozen matrix held in NF4 in a device's memory. Every acquire() dequantises into memory of the device's
// caching allocator: on CUDA by the kernel, elsewhere by the ATen version, the kernel's oracle.
#include <ATen/core/Tensor.h>

#include <vector>

#include "core/nn/weight.h"
#include "core/quant/nf4.h"

namespace hone::quant {

// Nf4Data in tensors of one device.
struct DeviceNf4 {
  std::int64_t elements = 0;
  at::Tensor codes;   // u8
  at::Tensor absmax;  // fp32; undefined where the scales are double-quantised
  at::Tensor nested_codes, nested_map, nested_absmax;  // u8, fp32, fp32
  float offset = 0;
  std::int64_t bytes() const;
};
DeviceNf4 to_device(const Nf4Data& data, at::Device device);
// Quantises fp32 values that lie on a CUDA device, there; the bits of Nf4Quantizer.
DeviceNf4 quantize_on_cuda(const at::Tensor& values, bool double_quant);

class DeviceNf4Weight final : public nn::Weight {
 public:
  DeviceNf4Weight(DeviceNf4 data, std::vector<std::int64_t> shape, at::ScalarType compute);
  at::Tensor acquire() const override;
  at::IntArrayRef shape() const override { return shape_; }
  std::int64_t bytes() const override { return data_.bytes(); }

 private:
  at::Tensor dequantize_aten() const;

  DeviceNf4 data_;
  std::vector<std::int64_t> shape_;
  at::ScalarType compute_;
};

}  // namespace hone::quant
