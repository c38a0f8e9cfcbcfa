// The bf16 products that attention is made of: every unit this processor has, against fp64 products of the same values.
#include "core/nn/bf16_blocks.h"

#include "tests/core/nn_support.h"

namespace hone::test {
namespace {

using c10::BFloat16;

at::Tensor part(const at::Tensor& x, std::int64_t rows, std::int64_t columns) {
  return x.narrow(0, 0, rows).narrow(1, 0, columns);
}

at::Tensor empty_pairs() { return at::zeros({nn::kBlock / 2, nn::kBlock}, at::kInt); }
nn::Bf16Pair* pairs_of(at::Tensor& x) { return static_cast<nn::Bf16Pair*>(x.mutable_data_ptr()); }

// [2 K, N] from pairs [K, N].
at::Tensor rows_of_pairs(const at::Tensor& pairs) {
  return pairs.view(at::kBFloat16)
      .view({nn::kBlock / 2, nn::kBlock, 2})
      .permute({0, 2, 1})
      .reshape({nn::kBlock, nn::kBlock});
}

void expect_products(nn::Bf16Unit unit, std::int64_t m, std::int64_t n, std::int64_t k, bool accumulate) {
  const at::Tensor a = random({64, 64}, at::kBFloat16), b = random({64, 64}, at::kBFloat16);
  const at::Tensor c = random({64, 64}, at::kFloat);
  at::Tensor out = c.clone(), pairs = empty_pairs();
  nn::pair_rows(b.const_data_ptr<BFloat16>(), 64, 64, pairs_of(pairs));
  {
    const nn::Bf16Products products(unit);
    products.multiply(
        {m, n, k, a.const_data_ptr<BFloat16>(), pairs_of(pairs), out.mutable_data_ptr<float>(), accumulate});
  }
  at::Tensor expected = c.to(at::kDouble), written = part(expected, m, n);
  written.mul_(accumulate ? 1.0 : 0.0)
      .add_(at::mm(part(a, m, k).to(at::kDouble), part(b, k, n).to(at::kDouble)));
  EXPECT_LT(error(out, expected), 1e-6) << m << " " << n << " " << k;
  part(out, m, n).copy_(part(c, m, n));
  EXPECT_TRUE(at::equal(out, c)) << "written beyond " << m << " by " << n;
}

// The bits of a NaN are free.
void expect_same_bits(const at::Tensor& a, const at::Tensor& b) {
  const auto bits = [](const at::Tensor& x) {
    return x.masked_fill(at::isnan(x), 7.0).contiguous().view(at::kShort);
  };
  EXPECT_TRUE(at::equal(at::isnan(a), at::isnan(b)));
  EXPECT_TRUE(at::equal(bits(a), bits(b)));
}

}  // namespace

TEST(Bf16Blocks, EveryUnitMultipliesAsFp64Does) {
  at::manual_seed(51);
  for (const nn::Bf16Unit unit : nn::usable_bf16_units())
    for (const std::int64_t m : {32, 64})
      for (const std::int64_t n : {32, 64})
        for (const std::int64_t k : {32, 64})
          for (const bool accumulate : {false, true}) expect_products(unit, m, n, k, accumulate);
}

TEST(Bf16Blocks, EveryUnitRoundsAsATensorDoes) {
  at::manual_seed(52);
  at::Tensor x = random({64, 64}, at::kFloat);
  x[3][5] = NAN, x[4][5] = INFINITY, x[5][6] = -0.0f;
  const at::Tensor expected = x.to(at::kBFloat16);
  for (const nn::Bf16Unit unit : nn::usable_bf16_units()) {
    const nn::Bf16Products products(unit);
    at::Tensor rounded = at::zeros({64, 64}, at::kBFloat16), pairs = empty_pairs();
    products.round(x.const_data_ptr<float>(), 32, 64, rounded.mutable_data_ptr<BFloat16>());
    expect_same_bits(part(rounded, 32, 64), part(expected, 32, 64));
    EXPECT_EQ(part(rounded.narrow(0, 32, 32), 32, 64).abs().sum().item<double>(), 0);
    products.round_to_pairs(x.const_data_ptr<float>(), 64, 32, pairs_of(pairs));
    expect_same_bits(part(rows_of_pairs(pairs), 64, 32), part(expected, 64, 32));
  }
}

TEST(Bf16Blocks, LaysOutPairsAndTransposes) {
  at::manual_seed(53);
  const at::Tensor x = random({64, 64}, at::kBFloat16);
  for (const std::int64_t rows : {32, 64}) {
    for (const std::int64_t columns : {32, 64}) {
      at::Tensor pairs = empty_pairs(), pairs_t = empty_pairs(),
                 transposed = at::zeros({64, 64}, at::kBFloat16);
      nn::pair_rows(x.const_data_ptr<BFloat16>(), rows, columns, pairs_of(pairs));
      nn::transpose_to_pairs(x.const_data_ptr<BFloat16>(), rows, columns, pairs_of(pairs_t));
      nn::transpose_rows(x.const_data_ptr<BFloat16>(), rows, columns,
                         transposed.mutable_data_ptr<BFloat16>());
      const at::Tensor expected = part(x, rows, columns);
      EXPECT_TRUE(at::equal(part(rows_of_pairs(pairs), rows, columns), expected));
      EXPECT_TRUE(at::equal(part(rows_of_pairs(pairs_t), columns, rows), expected.t()));
      EXPECT_TRUE(at::equal(part(transposed, columns, rows), expected.t()));
    }
  }
}

}  // namespace hone::test
