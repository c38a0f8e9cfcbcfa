// The arithmetic under the CPU kernels.
#include "core/nn/cpu_math.h"

#include <cmath>
#include <limits>

#include "core/nn/small_gemm.h"
#include "tests/core/nn_support.h"

namespace hone::test {

TEST(CpuMath, ExpKeepsItsRelativeErrorOverTheWholeRange) {
  constexpr int kPoints = 200'003;
  std::vector<float> x(kPoints), y;
  for (int i = 0; i < kPoints; ++i) x[i] = static_cast<float>(-86.9 + 174.8 * i / (kPoints - 1));
  y = x;
  nn::exp_and_sum(y.data(), 0.0f, kPoints);
  double worst = 0;
  for (int i = 0; i < kPoints; ++i)
    worst = std::max(worst, std::abs(y[i] / std::exp(static_cast<double>(x[i])) - 1));
  EXPECT_LT(worst, 3e-7);
}

TEST(CpuMath, ExpAtAndBeyondTheEndsOfItsRange) {
  constexpr float kInf = std::numeric_limits<float>::infinity(),
                  kNan = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> x = {0.0f, -0.0f, -87.0f, -88.0f, -1e30f, -kInf, 88.0f, 1e30f, 1e-30f, kNan, -kNan};
  nn::exp_and_sum(x.data(), 0.0f, static_cast<std::int64_t>(x.size()));
  EXPECT_EQ(x[0], 1.0f);
  EXPECT_EQ(x[1], 1.0f);
  for (const int i : {2, 3, 4, 5}) {  // no more than e^-87, which no sum of probabilities notices
    EXPECT_GE(x[i], 0.0f);
    EXPECT_LT(x[i], 1.7e-38f);
  }
  for (const int i : {6, 7}) EXPECT_NEAR(x[i] / std::exp(88.0), 1.0, 3e-7);  // saturates, stays finite
  EXPECT_EQ(x[8], 1.0f);
  EXPECT_TRUE(std::isnan(x[9]) && std::isnan(x[10]));
}

TEST(CpuMath, SumsAndLargestOfEveryLength) {
  at::manual_seed(41);
  for (std::int64_t n = 1; n < 70; ++n) {
    const at::Tensor a = random({n}, at::kFloat), b = random({n}, at::kFloat);
    const at::Tensor wide = a.to(at::kDouble) * b.to(at::kDouble);
    EXPECT_NEAR(nn::dot(a.const_data_ptr<float>(), b.const_data_ptr<float>(), n), wide.sum().item<double>(),
                1e-5);
    EXPECT_EQ(nn::max_of(a.const_data_ptr<float>(), n), a.max().item<float>());
    at::Tensor e = a.clone(), y = b.clone();
    const float sum = nn::exp_and_sum(e.mutable_data_ptr<float>(), 0.5f, n);
    EXPECT_NEAR(sum / (a.to(at::kDouble) - 0.5).exp().sum().item<double>(), 1.0, 1e-6);
    nn::axpy(3.0f, a.const_data_ptr<float>(), y.mutable_data_ptr<float>(), n);
    EXPECT_LT(error(y, b + 3 * a), 1e-6);
    nn::scale(y.mutable_data_ptr<float>(), -2.0f, n);
    EXPECT_LT(error(y, -2 * (b + 3 * a)), 1e-6);
  }
}

TEST(CpuMath, Bf16RoundsAsLibTorchDoes) {
  at::manual_seed(42);
  at::Tensor x = at::cat({random({1000}, at::kFloat) * 1e20, random({1000}, at::kFloat) * 1e-39,
                          at::tensor(at::ArrayRef<float>({1.00390625f, 1.01171875f, 3.4e38f, -3.4e38f,
                                                          INFINITY, -INFINITY, NAN, 0.0f, -0.0f}))});
  at::Tensor stored = at::empty(x.sizes(), at::kBFloat16), back = at::empty_like(x);
  nn::store_row(x.const_data_ptr<float>(), stored.mutable_data_ptr<c10::BFloat16>(), x.numel());
  EXPECT_TRUE(at::allclose(stored, x.to(at::kBFloat16), 0, 0, /*equal_nan=*/true));
  nn::load_row(stored.const_data_ptr<c10::BFloat16>(), back.mutable_data_ptr<float>(), x.numel());
  EXPECT_TRUE(at::allclose(back, stored.to(at::kFloat), 0, 0, /*equal_nan=*/true));
}

TEST(SmallGemm, EqualsMatrixMultiplication) {
  at::manual_seed(43);
  for (const std::int64_t m : {1, 4, 7, 65}) {
    for (const std::int64_t n : {16, 48, 64, 112, 128}) {
      for (const std::int64_t k : {1, 5, 80}) {
        for (const bool turned : {false, true}) {  // A given by columns
          for (const bool accumulate : {false, true}) {
            const at::Tensor a = turned ? random({k, m}, at::kFloat) : random({m, k}, at::kFloat);
            const at::Tensor b = random({k, n + 16}, at::kFloat), c = random({m, n + 32}, at::kFloat);
            at::Tensor out = c.clone();
            nn::small_gemm({m, n, k, a.const_data_ptr<float>(), turned ? 1 : k, turned ? m : 1,
                            b.const_data_ptr<float>(), n + 16, out.mutable_data_ptr<float>(), n + 32,
                            accumulate});
            const at::Tensor product =
                at::mm((turned ? a.t() : a).to(at::kDouble), b.narrow(1, 0, n).to(at::kDouble));
            const at::Tensor expected = accumulate ? product + c.narrow(1, 0, n) : product;
            EXPECT_LT(error(out.narrow(1, 0, n), expected), 1e-6) << m << " " << n << " " << k;
            EXPECT_TRUE(at::equal(out.narrow(1, n, 32), c.narrow(1, n, 32)));  // nothing beyond its columns
          }
        }
      }
    }
  }
}

}  // namespace hone::test
