// The arithmetic under the CPU kernels.
#include "core/nn/cpu_math.h"

#include <cmath>
#include <limits>

#include "core/nn/block_gemm.h"
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
  EXPECT_NEAR(x[2] / std::exp(-87.0), 1.0, 3e-7);
  for (const int i : {3, 4, 5}) EXPECT_EQ(x[i], 0.0f);
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

TEST(BlockGemm, EqualsMatrixMultiplication) {
  at::manual_seed(43);
  for (const std::int64_t m : {16, 32, 48, 64}) {
    for (const std::int64_t n : {16, 32, 48, 64}) {
      for (const std::int64_t k : {16, 48, 64}) {
        for (const bool transposed : {false, true}) {
          for (const bool accumulate : {false, true}) {
            const at::Tensor a = random({64, 64}, at::kFloat), b = random({64, 64}, at::kFloat);
            const at::Tensor c = random({64, 64}, at::kFloat);
            at::Tensor out = c.clone();
            nn::block_gemm({m, n, k, a.const_data_ptr<float>(), transposed, b.const_data_ptr<float>(),
                            out.mutable_data_ptr<float>(), accumulate});
            const auto part = [](const at::Tensor& x, std::int64_t rows, std::int64_t columns) {
              return x.narrow(0, 0, rows).narrow(1, 0, columns);
            };
            const at::Tensor left = part(transposed ? a.t() : a, m, k), right = part(b, k, n);
            at::Tensor expected = c.to(at::kDouble), written = part(expected, m, n);
            written.mul_(accumulate ? 1.0 : 0.0).add_(at::mm(left.to(at::kDouble), right.to(at::kDouble)));
            EXPECT_LT(error(out, expected), 1e-6) << m << " " << n << " " << k;
            part(out, m, n).copy_(part(c, m, n));
            EXPECT_TRUE(at::equal(out, c)) << "written beyond " << m << " by " << n;
          }
        }
      }
    }
  }
}

}  // namespace hone::test
