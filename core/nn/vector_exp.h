#pragma once
// exp for loops that vectorise; relative error below 3e-7.
#include <bit>
#include <cstdint>

namespace hone::nn {

// By range reduction to 2^k e^r, |r| <= ln2 / 2, and a polynomial of degree 6. Exactly 0 below -87; beyond 88
// it stays e^88. NaN stays NaN.
inline __attribute__((always_inline)) float vector_exp(float x) {
  const bool vanishes = x < -87.0f;
  x = x > 88.0f ? 88.0f : x;
  x = vanishes ? -87.0f : x;
  // Adding 1.5 * 2^23 rounds to the nearest integer without a library call.
  const float shifted = x * 1.44269504f + 12582912.0f;
  const float k = shifted - 12582912.0f;
  const float r = (x - k * 0.693145752f) - k * 1.42860677e-6f;
  float p = 1.38888889e-3f;
  p = p * r + 8.33333333e-3f;
  p = p * r + 4.16666667e-2f;
  p = p * r + 1.66666667e-1f;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  const std::int32_t exponent = (std::bit_cast<std::int32_t>(shifted) - 0x4B400000) << 23;
  const float result = std::bit_cast<float>(std::bit_cast<std::int32_t>(p) + exponent);
  return vanishes ? 0.0f : result;
}

}  // namespace hone::nn
