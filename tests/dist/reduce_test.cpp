#include "dist/reduce.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace hone::dist {
namespace {

std::uint16_t sum_of(CommType type, std::uint16_t a, std::uint16_t b) {
  const void* parts[] = {&a, &b};
  std::uint16_t out = 0;
  reduce_parts(&out, parts, 1, type, ReduceOp::sum);
  return out;
}

TEST(Reduce, EveryHalfPrecisionNumberPlusZeroIsItself) {
  for (const CommType type : {CommType::bf16, CommType::f16})
    for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
      const auto value = static_cast<std::uint16_t>(bits);
      const std::uint16_t infinity = type == CommType::bf16 ? 0x7f80 : 0x7c00;
      const std::uint16_t sum = sum_of(type, value, 0);
      const bool number = (value & 0x7fff) <= infinity;
      if (value == 0x8000) continue;  // -0 + 0 is 0
      EXPECT_TRUE(number ? sum == value : (sum & 0x7fff) > infinity) << bits;
    }
}

TEST(Reduce, Bf16OverflowsToInfinityAndRoundsTiesToEven) {
  EXPECT_EQ(sum_of(CommType::bf16, 0x7f7f, 0x7f7f), 0x7f80);
  EXPECT_EQ(sum_of(CommType::bf16, 0x3f80, 0x3b80), 0x3f80);  // 1 + 2^-8: tie, stays
  EXPECT_EQ(sum_of(CommType::bf16, 0x3f81, 0x3b80), 0x3f82);  // 1 + 2^-7 + 2^-8: tie, up
  EXPECT_EQ(sum_of(CommType::bf16, 0x3f80, 0x3b81), 0x3f81);  // just above the tie
}

TEST(Reduce, F16KeepsSubnormalsAndRoundsTiesToEven) {
  EXPECT_EQ(sum_of(CommType::f16, 0x0001, 0x0001), 0x0002);
  EXPECT_EQ(sum_of(CommType::f16, 0x7bff, 0x7bff), 0x7c00);
  EXPECT_EQ(sum_of(CommType::f16, 0x3c00, 0x1000), 0x3c00);  // 1 + 2^-11: tie, stays
  EXPECT_EQ(sum_of(CommType::f16, 0x3c01, 0x1000), 0x3c02);
}

TEST(Reduce, OutputMayBeAnyOfTheParts) {
  for (int target = 0; target < 3; ++target) {
    std::vector<std::vector<float>> parts(3, std::vector<float>(3000));
    std::vector<const void*> pointers;
    for (int r = 0; r < 3; ++r) {
      for (int i = 0; i < 3000; ++i) parts[r][i] = static_cast<float>(r * 10000 + i);
      pointers.push_back(parts[r].data());
    }
    reduce_parts(parts[target].data(), pointers, 3000, CommType::f32, ReduceOp::sum);
    for (int i = 0; i < 3000; ++i) ASSERT_EQ(parts[target][i], static_cast<float>(30000 + 3 * i));
  }
}

TEST(Reduce, SignedIntegersCompareAsSigned) {
  const std::int32_t a = -5, b = 3;
  const void* parts[] = {&a, &b};
  std::int32_t least = 0, most = 0;
  reduce_parts(&least, parts, 1, CommType::i32, ReduceOp::min);
  reduce_parts(&most, parts, 1, CommType::i32, ReduceOp::max);
  EXPECT_EQ(least, -5);
  EXPECT_EQ(most, 3);
}

}  // namespace
}  // namespace hone::dist
