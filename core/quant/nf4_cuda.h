#pragma once
// NF4 on a CUDA device, by raw device pointers; no CUDA header is needed to call it. Bit-compatible with
// bitsandbytes: block 64, first element in the high nibble, product in fp32, then one rounding to the output type.
#include <cstdint>

namespace hone {

enum class CudaFloat { fp32, bf16, fp16 };

// Block scales are either plain (absmax) or double-quantised (absmax null, the four nested fields set):
// scale[b] = nested_map[nested_codes[b]] * nested_absmax[b / 256] + nested_offset.
struct Nf4DeviceView {
  const std::uint8_t* codes = nullptr;  // ceil(elements / 2) bytes, 16-byte aligned
  std::int64_t elements = 0;
  const float* absmax = nullptr;        // [ceil(elements / 64)]
  const std::uint8_t* nested_codes = nullptr;  // [ceil(elements / 64)]
  const float* nested_map = nullptr;           // [256]
  const float* nested_absmax = nullptr;        // [ceil(blocks / 256)]
  float nested_offset = 0;
};

// Writes `elements` values to `out` (device memory, 16-byte aligned) on `stream` (a cudaStream_t; null: the default
// one); does not wait. Throws Error CU001 without a device, CU002 where the launch fails, IN000 on a broken view.
void nf4_dequantize_cuda(const Nf4DeviceView& weight, CudaFloat type, void* out, void* stream);

}  // namespace hone
