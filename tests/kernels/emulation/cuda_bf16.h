#pragma once
#include "core/formats/half.h"
#include "cuda_runtime.h"

struct __nv_bfloat16 {
  std::uint16_t bits;
};
inline __nv_bfloat16 __float2bfloat16_rn(float value) { return {hone::formats::float_to_bf16(value)}; }
inline float __bfloat162float(__nv_bfloat16 value) { return hone::formats::bf16_to_float(value.bits); }
