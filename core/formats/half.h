#pragma once
// IEEE half and bfloat16, by bits: exact widening, round-to-nearest-even narrowing. Branch-free, so that
// loops over them vectorise.
#include <bit>
#include <cstdint>

namespace hone::formats {

inline float bf16_to_float(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

// A NaN stays one (quiet, its payload cut).
inline std::uint16_t float_to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t rounded = (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
  const bool is_nan = (bits & 0x7FFFFFFFu) > 0x7F800000u;
  return static_cast<std::uint16_t>(is_nan ? (bits >> 16) | 0x40u : rounded);
}

inline float f16_to_float(std::uint16_t bits) {
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000u) << 16;
  const std::uint32_t magnitude = static_cast<std::uint32_t>(bits & 0x7FFFu) << 13;
  // Subnormals: put the mantissa under a known exponent and let the subtraction normalise it.
  const float subnormal = std::bit_cast<float>(magnitude + 0x38800000u) - 0x1.0p-14f;
  const std::uint32_t normal = magnitude + (magnitude >= 0x0F800000u ? 0x70000000u : 0x38000000u);
  return std::bit_cast<float>(sign |
                              (magnitude < 0x00800000u ? std::bit_cast<std::uint32_t>(subnormal) : normal));
}

inline std::uint16_t float_to_f16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t magnitude = bits & 0x7FFFFFFFu;
  // Adding 0.5 aligns a result below 2^-14 with the last bit of a half's subnormal and rounds it there.
  const std::uint32_t subnormal =
      std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) + 0.5f) - 0x3F000000u;
  const std::uint32_t normal = (magnitude - 0x38000000u + 0x0FFFu + ((magnitude >> 13) & 1u)) >> 13;
  std::uint32_t half = magnitude < 0x38800000u ? subnormal : normal;
  half = magnitude >= 0x477FF000u ? 0x7C00u : half;  // rounds past the largest half
  half = magnitude > 0x7F800000u ? 0x7E00u | ((magnitude >> 13) & 0x3FFu) : half;
  return static_cast<std::uint16_t>(half | (bits >> 16 & 0x8000u));
}

}  // namespace hone::formats
