#pragma once
// A frozen matrix held in NF4 in a device's memory. Every acquire() dequantises into memory of the device's
// caching allocator: on CUDA by the kernel, elsewhere by the ATen version, the kernel's oracle.
#include <ATen/core/Tensor.h>

#include <vector>

#include "core/nn/weight.h"
#include "core/quant/nf4_tensors.h"

namespace hone::quant {

// Quantises fp32 values that lie on a CUDA device, there; the bits of Nf4Quantizer.
Nf4Tensors quantize_on_cuda(const at::Tensor& values, bool double_quant);

class DeviceNf4Weight final : public nn::Weight {
 public:
  DeviceNf4Weight(Nf4Tensors data, std::vector<std::int64_t> shape, at::ScalarType compute);
  at::Tensor acquire() const override;
  at::IntArrayRef shape() const override { return shape_; }
  std::int64_t bytes() const override { return data_.bytes(); }
  std::vector<at::Tensor*> storage() override { return data_.large(); }

 private:
  at::Tensor dequantize_aten() const;

  Nf4Tensors data_;
  std::vector<std::int64_t> shape_;
  at::ScalarType compute_;
};

}  // namespace hone::quant
