#pragma once
// Stored values to fp32 and back, a contiguous range at a time.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "core/formats/tensor_source.h"

namespace hone::formats {

// Elements and bytes of one block of a type: 1 and its size for plain types, 32 and ggml's size for q*.
// nf4 has none (its parts lie in several tensors).
struct BlockLayout {
  std::int64_t elements = 1;
  std::int64_t bytes = 0;
};
BlockLayout block_layout(DType dtype);

// Decodes `count` elements (a multiple of the block) exactly as ggml does for q*; integers by conversion.
void decode(DType dtype, const std::byte* from, std::int64_t count, float* out);

// fp32 to f32, f16 or bf16 (round to nearest even); `out` holds count times the type's size.
void encode(DType dtype, const float* from, std::int64_t count, std::byte* out);

// "fp32", "bf16", "fp16" (the names of model.dtype) to DType and back; other names are an internal error.
DType float_dtype(std::string_view name);
std::string_view float_dtype_name(DType dtype);

}  // namespace hone::formats
