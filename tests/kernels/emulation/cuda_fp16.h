#pragma once
#include "core/formats/half.h"
#include "cuda_runtime.h"

struct __half {
  std::uint16_t bits;
};
inline __half __float2half_rn(float value) { return {hone::formats::float_to_f16(value)}; }
inline float __half2float(__half value) { return hone::formats::f16_to_float(value.bits); }
