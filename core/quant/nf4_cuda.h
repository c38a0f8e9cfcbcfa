#pragma once
// NF4 on a CUDA device, by raw device pointers; no CUDA header is needed to call it. Bit-compatible with
// bitsandbytes: block 64, first element in the high nibble, product in fp32, then one rounding to the output
// type.
#include <cstdint>

#include "core/cuda/float_type.h"

namespace hone {

// Block scales are either plain (absmax) or double-quantised (absmax null, the four nested fields set):
// scale[b] = nested_map[nested_codes[b]] * nested_absmax[b / 256] + nested_offset.
struct Nf4View {
  const std::uint8_t* codes = nullptr;  // ceil(elements / 2) bytes, 16-byte aligned
  std::int64_t elements = 0;
  const float* absmax = nullptr;               // [ceil(elements / 64)]
  const std::uint8_t* nested_codes = nullptr;  // [ceil(elements / 64)]
  const float* nested_map = nullptr;           // [256]
  const float* nested_absmax = nullptr;        // [ceil(blocks / 256)]
  float nested_offset = 0;
};

// Writes `elements` values to `out` (device memory, 16-byte aligned) on `stream` (a cudaStream_t; null: the
// default one); does not wait. Throws Error CU001 without a device, CU002 where the launch fails, IN000 on a
// broken view.
void nf4_dequantize_cuda(const Nf4View& weight, CudaFloat type, void* out, void* stream);

// The codes (ceil(elements / 2) bytes) and block scales ([ceil(elements / 64)] fp32) of `elements` values;
// values and codes 16-byte aligned. The bits are those of quant::Nf4Quantizer. Scales are double-quantised on the
// host (quant::double_quantize): they are a 64th of the values, and their mean is a sum in order.
void nf4_quantize_cuda(const void* values, CudaFloat type, std::int64_t elements, std::uint8_t* codes,
                       float* absmax, void* stream);

}  // namespace hone
