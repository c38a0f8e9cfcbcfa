#include "core/formats/half.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace hone::formats {
namespace {

// From the definition of the format, without its bits' tricks.
float half_by_definition(std::uint16_t bits) {
  const int sign = bits >> 15 ? -1 : 1, exponent = (bits >> 10) & 31, mantissa = bits & 1023;
  if (exponent == 31) return mantissa ? std::numeric_limits<float>::quiet_NaN() : sign * INFINITY;
  const double value = exponent ? std::ldexp(1024 + mantissa, exponent - 25) : std::ldexp(mantissa, -24);
  return std::copysign(static_cast<float>(value), static_cast<float>(sign));
}

// Narrowing of every value, every midpoint between neighbours and both sides of it.
template <class Narrow, class Widen>
void check_rounding(std::uint16_t largest, Narrow narrow, Widen widen) {
  for (std::uint32_t bits = 0; bits < largest; ++bits) {
    const float low = widen(static_cast<std::uint16_t>(bits)),
                high = widen(static_cast<std::uint16_t>(bits + 1));
    const double exact_middle = (static_cast<double>(low) + static_cast<double>(high)) / 2;
    const float middle = static_cast<float>(exact_middle);
    const std::uint32_t even = bits % 2 == 0 ? bits : bits + 1;
    ASSERT_EQ(static_cast<double>(middle), exact_middle);
    for (const std::uint32_t sign : {0u, 0x8000u}) {
      const float s = sign ? -1.0f : 1.0f;
      ASSERT_EQ(narrow(s * low), sign | bits);
      ASSERT_EQ(narrow(s * middle), sign | even) << bits;
      ASSERT_EQ(narrow(s * std::nextafter(middle, 0.0f)), sign | bits) << bits;
      ASSERT_EQ(narrow(s * std::nextafter(middle, INFINITY)), sign | (bits + 1)) << bits;
    }
  }
}

TEST(Half, WidensEveryValueAsTheFormatDefinesIt) {
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    const float expected = half_by_definition(static_cast<std::uint16_t>(bits));
    const float met = f16_to_float(static_cast<std::uint16_t>(bits));
    if (std::isnan(expected))
      ASSERT_TRUE(std::isnan(met)) << bits;
    else
      ASSERT_EQ(std::bit_cast<std::uint32_t>(met), std::bit_cast<std::uint32_t>(expected)) << bits;
  }
}

TEST(Half, NarrowsToTheNearestTiesToEven) {
  check_rounding(0x7BFF, float_to_f16, f16_to_float);
  EXPECT_EQ(float_to_f16(65519.996f), 0x7BFF);
  EXPECT_EQ(float_to_f16(65520.0f), 0x7C00);
  EXPECT_EQ(float_to_f16(-3e38f), 0xFC00);
  EXPECT_EQ(float_to_f16(-INFINITY), 0xFC00);
  EXPECT_EQ(float_to_f16(1e-30f), 0);
}

TEST(BFloat16, WidensByShiftAndNarrowsToTheNearestTiesToEven) {
  for (std::uint32_t bits = 0; bits < 65536; ++bits)
    ASSERT_EQ(std::bit_cast<std::uint32_t>(bf16_to_float(static_cast<std::uint16_t>(bits))), bits << 16);
  check_rounding(0x7F7F, float_to_bf16, bf16_to_float);
  EXPECT_EQ(float_to_bf16(std::numeric_limits<float>::max()), 0x7F80);
  EXPECT_EQ(float_to_bf16(INFINITY), 0x7F80);
}

TEST(HalfTypes, KeepNotANumber) {
  for (const std::uint32_t bits : {0x7F800001u, 0x7FC00000u, 0xFFFFFFFFu, 0xFF800001u}) {
    const float nan = std::bit_cast<float>(bits);
    EXPECT_TRUE(std::isnan(f16_to_float(float_to_f16(nan))));
    EXPECT_TRUE(std::isnan(bf16_to_float(float_to_bf16(nan))));
  }
}

}  // namespace
}  // namespace hone::formats
