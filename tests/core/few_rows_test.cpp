// Products with few rows: the kernel against ATen, and that it is what runs on every thread.
#include "core/nn/few_rows.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <mutex>
#include <set>
#include <thread>

#include "core/nn/bf16_blocks.h"

namespace hone::test {
namespace {

double largest_difference(const at::Tensor& a, const at::Tensor& b) {
  return (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
}

TEST(FewRows, EqualsAtenForAnyNumberOfRowsAndAnyWidth) {
  at::manual_seed(1);
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16})
    for (const std::int64_t rows : {1, 2, 7, 8, 9, 16})
      for (const std::int64_t in : {1, 15, 16, 17, 64, 577})
        for (const std::int64_t out : {1, 2, 31, 33, 130}) {
          const at::Tensor x = at::randn({rows, in}).to(type), w = at::randn({out, in}).to(type);
          const at::Tensor y = nn::few_rows_cpu(x, w);
          ASSERT_EQ(y.scalar_type(), type);
          const at::Tensor exact = at::mm(x.to(at::kDouble), w.to(at::kDouble).t());
          const double rounding = type == at::kFloat ? 1e-6 : 4e-3;
          const double scale = exact.abs().max().item<double>() + 1.0;
          EXPECT_LE(largest_difference(y, exact), rounding * scale) << rows << " x " << in << " x " << out;
        }
}

TEST(FewRows, EveryBf16UnitEqualsAten) {
  at::manual_seed(3);
  for (const nn::Bf16Unit unit : nn::usable_bf16_units())
    for (const std::int64_t rows : {1, 7, 16})
      for (const std::int64_t in : {32, 576})
        for (const std::int64_t out : {31, 32, 130}) {
          const at::Tensor x = at::randn({rows, in}).to(at::kBFloat16),
                           w = at::randn({out, in}).to(at::kBFloat16);
          const at::Tensor exact = at::mm(x.to(at::kDouble), w.to(at::kDouble).t());
          const double rounding = 4e-3 * (exact.abs().max().item<double>() + 1.0);
          EXPECT_LE(largest_difference(nn::few_rows_by(unit, x, w), exact), rounding)
              << rows << " x " << in << " x " << out;
          const auto fill = [&](std::int64_t first, std::int64_t last, auto* to) {
            std::copy_n(w.const_data_ptr<c10::BFloat16>() + first * in, (last - first) * in, to);
          };
          const at::Tensor filled = nn::few_rows_by(unit, x, out, {fill, fill});
          EXPECT_LE(largest_difference(filled, exact), rounding) << rows << " x " << in << " x " << out;
        }
}

TEST(FewRows, ARowsResultDoesNotDependOnTheRowsBesideIt) {
  at::manual_seed(2);
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    const at::Tensor x = at::randn({16, 576}).to(type), w = at::randn({100, 576}).to(type);
    const at::Tensor together = nn::few_rows_cpu(x, w);
    for (std::int64_t r = 0; r < 16; ++r)
      EXPECT_TRUE(at::equal(nn::few_rows_cpu(x.narrow(0, r, 1), w), together.narrow(0, r, 1))) << r;
  }
}

TEST(FewRows, WhatTheKernelDoesNotTakeGoesByAten) {
  const at::Tensor w = at::randn({5, 4}, at::kDouble), many = at::randn({nn::kFewRows + 1, 8});
  const at::Tensor x = at::randn({2, 4}, at::kDouble), wide = at::randn({3, 8});
  EXPECT_TRUE(at::allclose(nn::times_transposed(x, w), at::mm(x, w.t())));
  EXPECT_TRUE(at::allclose(nn::times_transposed(many, wide), at::mm(many, wide.t()), 1e-5, 1e-6));
}

// Built without OpenMP, at::parallel_for is a plain loop and nothing else shows it.
TEST(Parallel, LoopsRunOnAllThreads) {
  const int before = at::get_num_threads();
  at::set_num_threads(2);
  std::mutex mutex;
  std::set<std::thread::id> seen;
  at::parallel_for(0, 2, 1, [&](std::int64_t, std::int64_t) {
    const std::lock_guard lock(mutex);
    seen.insert(std::this_thread::get_id());
  });
  at::set_num_threads(before);
  EXPECT_EQ(seen.size(), 2u);
}

}  // namespace
}  // namespace hone::test
