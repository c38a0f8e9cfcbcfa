// bf16 weights: rounding that is right on average and a function of (seed, step, element) alone.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <vector>

#include "core/optim/trained_weights.h"

namespace hone::test {
namespace {

float widened(std::uint16_t bits) { return std::bit_cast<float>(std::uint32_t{bits} << 16); }

std::vector<std::uint16_t> rounded(const std::vector<float>& values, std::int64_t begin,
                                   std::uint64_t seed = 3, std::int64_t step = 9) {
  std::vector<std::uint16_t> bits(values.size());
  optim::round_stochastically(values.data(), bits.data(), {begin, begin + std::ssize(values)}, seed, step);
  return bits;
}

}  // namespace

TEST(StochasticRounding, GoesToANeighbourAndIsRightOnAverage) {
  constexpr int kCount = 40000;
  for (const float value : {1.0f + 0x1p-9f, -3.14159f, 1e-20f, 0.3f + 0x1p-20f, 1.0f + 0x1p-23f}) {
    const float below = widened(static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16));
    const float above = widened(static_cast<std::uint16_t>((std::bit_cast<std::uint32_t>(value) >> 16) + 1));
    double sum = 0;
    for (const std::uint16_t bits : rounded(std::vector<float>(kCount, value), 0)) {
      ASSERT_TRUE(widened(bits) == below || widened(bits) == above) << value;
      sum += widened(bits);
    }
    const double share = (double{value} - below) / (double{above} - below);
    const double deviation = std::sqrt(share * (1 - share) / kCount) * std::abs(double{above} - below);
    EXPECT_NEAR(sum / kCount, value, 4 * deviation) << value;
  }
}

TEST(StochasticRounding, KeepsWhatFitsAndWhatIsNotFinite) {
  const float nan_with_low_payload = std::bit_cast<float>(0x7F800001u);
  const std::vector<float> values = {0.0f, -0.0f, 1.0f, -2.5f, INFINITY, -INFINITY};
  const std::vector<std::uint16_t> bits = rounded(values, 0);
  for (std::size_t i = 0; i < values.size(); ++i)
    EXPECT_EQ(bits[i], std::bit_cast<std::uint32_t>(values[i]) >> 16) << values[i];
  EXPECT_TRUE(std::isnan(widened(rounded({nan_with_low_payload}, 0)[0])));
  EXPECT_TRUE(std::isnan(widened(rounded({std::bit_cast<float>(0xFFFFFFFFu)}, 0)[0])));
}

TEST(StochasticRounding, DrawsByElementHoweverCutAndAnewForEverySeedAndStep) {
  const std::vector<float> values(1000, 1.0f + 0x1p-9f);
  const std::vector<std::uint16_t> whole = rounded(values, 70);
  for (const std::int64_t cut : {1, 7, 8, 513}) {
    std::vector<std::uint16_t> parts = rounded({values.begin(), values.begin() + cut}, 70);
    const std::vector<std::uint16_t> rest = rounded({values.begin() + cut, values.end()}, 70 + cut);
    parts.insert(parts.end(), rest.begin(), rest.end());
    EXPECT_EQ(parts, whole) << cut;
  }
  EXPECT_NE(rounded(values, 70, 4), whole);
  EXPECT_NE(rounded(values, 70, 3, 10), whole);
  EXPECT_NE(rounded(values, 71), whole);
}

TEST(StochasticRounding, LetsSmallStepsAddUp) {
  // Eight times too small for bf16 to see: to nearest, the weight would never move.
  std::vector<std::uint16_t> weight(512, 0x3F80);  // 1.0
  std::vector<float> values(512);
  for (std::int64_t step = 1; step <= 160; ++step) {
    optim::widen(weight.data(), values.data(), 512);
    for (float& v : values) v += 0x1p-10f;
    optim::round_stochastically(values.data(), weight.data(), {0, 512}, 1, step);
  }
  double sum = 0;
  for (const std::uint16_t bits : weight) sum += widened(bits);
  EXPECT_NEAR(sum / 512, 1.0 + 160 * 0x1p-10, 0.01);
}

}  // namespace hone::test
