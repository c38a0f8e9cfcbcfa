#pragma once
// Nf4Data in tensors of one device.
#include <ATen/core/Tensor.h>

#include <vector>

#include "core/quant/nf4.h"
#include "core/quant/nf4_cuda.h"

namespace hone::quant {

struct Nf4Tensors {
  std::int64_t elements = 0;
  at::Tensor codes;   // u8
  at::Tensor absmax;  // fp32; undefined where the scales are double-quantised
  at::Tensor nested_codes, nested_map, nested_absmax;  // u8, fp32, fp32
  float offset = 0;
  std::int64_t bytes() const;
  std::int64_t blocks() const { return (elements + kNf4Block - 1) / kNf4Block; }
  std::vector<at::Tensor*> large();  // those that grow with the weight's size by more than a 16384th
};
Nf4Tensors to_device(const Nf4Data& data, at::Device device);

// Its pointers, as kernels take them.
Nf4View view_of(const Nf4Tensors& data);

}  // namespace hone::quant
