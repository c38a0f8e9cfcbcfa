// Matrix products cut over the threads against LibTorch's in fp64.
#include "core/nn/product.h"

#include "tests/core/nn_support.h"

namespace hone::test {
namespace {

at::Tensor stored(std::int64_t rows, std::int64_t columns, bool transposed) {
  return transposed ? random({columns, rows}, at::kFloat).t() : random({rows, columns}, at::kFloat);
}

}  // namespace

TEST(Product, EqualsLibTorchHoweverTheOperandsAreStored) {
  at::manual_seed(51);
  struct Shape {
    std::int64_t m, n, k;
  };
  for (const auto [m, n, k] : {Shape{1, 1, 1},
                               {3, 5, 7},
                               {200, 90, 70},
                               {40, 700, 50},
                               {130, 33, 400},
                               {1030, 16, 70},
                               {24, 600, 9000}}) {
    for (const bool left : {false, true}) {
      for (const bool right : {false, true}) {
        const at::Tensor a = stored(m, k, left), b = stored(k, n, right);
        const at::Tensor expected = at::mm(a.to(at::kDouble), b.to(at::kDouble));
        EXPECT_LT(error(nn::product(a, b), expected), 1e-6) << m << " " << n << " " << k;
        const at::Tensor around = random({m, n + 8}, at::kFloat);
        at::Tensor sum = around.clone();
        nn::add_product(sum.narrow(1, 4, n), a, b);
        at::Tensor wanted = around.to(at::kDouble);
        wanted.narrow(1, 4, n).add_(expected);
        EXPECT_LT(error(sum, wanted), 1e-6);
      }
    }
  }
}

TEST(Product, WhatCIsBeforeDoesNotMatter) {
  at::Tensor c = at::full({128, 128}, std::numeric_limits<float>::quiet_NaN());
  nn::product_to(c, at::ones({128, 128}), at::ones({128, 128}));
  EXPECT_TRUE(c.eq(128).all().item<bool>());
}

TEST(Product, GradientsOfBf16AreSummedInFp32) {
  at::manual_seed(52);
  const at::Tensor a = random({40, 300}, at::kBFloat16), b = random({300, 30}, at::kBFloat16);
  at::Tensor sum = at::ones({40, 30});
  nn::add_product(sum, a, b);
  EXPECT_LT(error(sum, 1 + at::mm(a.to(at::kDouble), b.to(at::kDouble))), kBf16Tolerance);
}

TEST(Product, ThreadsShareTheLargerSide) {
  const auto grid = [](std::int64_t m, std::int64_t n, std::int64_t threads) {
    const nn::Grid g = nn::product_grid(m, n, threads);
    return std::pair{g.rows, g.columns};
  };
  EXPECT_EQ(grid(2048, 1536, 2), std::pair(2L, 1L));
  EXPECT_EQ(grid(256, 49152, 2), std::pair(1L, 2L));
  EXPECT_EQ(grid(2048, 2048, 16), std::pair(4L, 4L));
  EXPECT_EQ(grid(100, 100, 7), std::pair(7L, 1L));
  EXPECT_EQ(grid(5, 5, 1), std::pair(1L, 1L));
}

}  // namespace hone::test
