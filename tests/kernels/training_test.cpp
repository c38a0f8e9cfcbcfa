// AdamW, global norm, finiteness and scaling of the arena: kernels against the CPU's, whose values are
// PyTorch's (tests/core/optim_test.cpp).
#include <cmath>

#include "core/optim/adamw.h"
#include "core/optim/adamw_cuda.h"
#include "core/train/gradients.h"
#include "core/train/gradients_cuda.h"
#include "tests/kernels/on_device.h"

namespace hone::test {
namespace {

using AdamWKernel = Kernel;

std::span<float> values_of(at::Tensor& t) {
  return {t.mutable_data_ptr<float>(), static_cast<std::size_t>(t.numel())};
}

struct StepCoefficients {
  optim::AdamCoefficients decayed, faster;  // the second as lora_B is moved under LoRA+
};

StepCoefficients coefficients(std::int64_t step) {
  const optim::StepInput in{.step = step, .lr = 1e-2};
  return {optim::adam_coefficients({}, {.weight_decay = 0.1}, in),
          optim::adam_coefficients({}, {.lr_scale = 16}, in)};
}

optim::AdamWArgs arguments(const StepCoefficients& c) {
  optim::AdamWArgs args;
  args.one_minus_beta1 = c.decayed.one_minus_beta1, args.beta2 = c.decayed.beta2;
  args.one_minus_beta2 = c.decayed.one_minus_beta2, args.eps = c.decayed.eps;
  args.inverse_root_correction2 = c.decayed.inverse_root_correction2;
  args.groups[0] = {c.decayed.decay, c.decayed.step_size};
  args.groups[1] = {c.faster.decay, c.faster.step_size};
  return args;
}

TEST_F(AdamWKernel, FiveStepsOfTwoGroupsEqualTheCpu) {
  for (const std::int64_t n : {1, 63, 64, 65, 1500}) {
    const std::int64_t cut =
        n / 2 / optim::kAdamWGranule * optim::kAdamWGranule;  // the second group from here
    at::Tensor group = at::ones({(n + 63) / 64}, at::kByte), weights = random({n}, at::kFloat);
    group.narrow(0, 0, cut / optim::kAdamWGranule).zero_();
    at::Tensor moment = at::zeros({n}), square = at::zeros({n});
    const OnDevice w(weights), m(moment), v(square), groups(group), view(at::zeros({n}, at::kBFloat16));
    for (std::int64_t step = 1; step <= 5; ++step) {
      at::Tensor gradient = random({n}, at::kFloat);
      const OnDevice g(gradient);
      const StepCoefficients c = coefficients(step);
      optim::AdamWArgs args = arguments(c);
      args.elements = n;
      args.weights = w.as<float>(), args.gradient = g.as<float>();
      args.exp_avg = m.as<float>(), args.exp_avg_sq = v.as<float>();
      args.group_of = groups.as<std::uint8_t>();
      args.view_type = CudaFloat::bf16, args.view = view.data();
      optim::adamw_cuda(args, nullptr);
      const auto on_cpu = [&](std::int64_t begin, std::int64_t end, const optim::AdamCoefficients& of_group) {
        optim::adam_run(&values_of(weights)[begin], &values_of(gradient)[begin], &values_of(moment)[begin],
                        &values_of(square)[begin], end - begin, of_group);
      };
      if (cut > 0) on_cpu(0, cut, c.decayed);
      on_cpu(cut, n, c.faster);
    }
    EXPECT_LE(error(w.host(), weights), 5e-7) << n;
    EXPECT_LE(error(m.host(), moment), 5e-7) << n;
    EXPECT_LE(error(v.host(), square), 5e-7) << n;
    EXPECT_TRUE(at::equal(view.host(), w.host().to(at::kBFloat16))) << n;
  }
}

TEST_F(AdamWKernel, AnyCutGivesTheSameBitsAlignedOrNot) {
  const std::int64_t n = 1027;
  const at::Tensor start = random({n}, at::kFloat), gradient = random({n}, at::kFloat);
  const auto run = [&](std::int64_t shift, const std::vector<std::int64_t>& cuts) {
    const OnDevice w(start, shift), g(gradient, shift), m(at::zeros({n}), shift), v(at::zeros({n}), shift),
        view(at::zeros({n}, at::kHalf), shift);
    for (std::size_t c = 0; c + 1 < cuts.size(); ++c) {
      optim::AdamWArgs args = arguments(coefficients(3));
      args.elements = cuts[c + 1] - cuts[c];
      args.weights = w.as<float>() + cuts[c], args.gradient = g.as<float>() + cuts[c];
      args.exp_avg = m.as<float>() + cuts[c], args.exp_avg_sq = v.as<float>() + cuts[c];
      args.view_type = CudaFloat::fp16, args.view = view.as<std::uint16_t>() + cuts[c];
      optim::adamw_cuda(args, nullptr);
    }
    return at::cat({w.host(), m.host(), v.host(), view.host().to(at::kFloat)});
  };
  const at::Tensor whole = run(0, {0, n});
  EXPECT_TRUE(at::equal(run(0, {0, 64, 65, 65, 1000, n}), whole));
  EXPECT_TRUE(at::equal(run(1, {0, n}), whole));
}

using GradientKernel = Kernel;

TEST_F(GradientKernel, NormEqualsTheCpuOverAwkwardSizes) {
  for (const std::int64_t n : {0, 1, 63, 64, 65, 4095, 4096, 4097, 100'003}) {
    for (const std::int64_t shift : {0, 1}) {
      at::Tensor x = random({n}, at::kFloat);
      const OnDevice values(x, shift), workspace(at::zeros({n / train::kNormChunk + 1}, at::kDouble)),
          norm(at::full({1}, -1.0, at::kDouble));
      train::global_norm_cuda(values.as<float>(), n, workspace.as<double>(), norm.as<double>(), nullptr);
      const double expected = x.to(at::kDouble).norm().item<double>();
      EXPECT_NEAR(norm.host().item<double>(), expected, 1e-6 * expected) << n;
      EXPECT_NEAR(norm.host().item<double>(), train::global_norm(values_of(x)), 1e-6 * expected) << n;
      train::scale_cuda(values.as<float>(), n, 0.3f, nullptr);
      EXPECT_TRUE(at::equal(values.host(), x * 0.3f)) << n;
    }
  }
}

TEST_F(GradientKernel, FirstNotFiniteIsTheLeastIndex) {
  const OnDevice first(at::zeros({1}, at::kLong));
  at::Tensor x = random({3000}, at::kFloat);
  const auto found = [&] {
    const OnDevice values(x);
    train::first_not_finite_cuda(values.as<float>(), x.numel(), first.as<std::int64_t>(), nullptr);
    return first.host().item<std::int64_t>();
  };
  EXPECT_EQ(found(), -1);
  x[2999] = NAN;
  EXPECT_EQ(found(), 2999);
  x[1700] = -INFINITY;
  EXPECT_EQ(found(), 1700);
  x[0] = INFINITY;
  EXPECT_EQ(found(), 0);
  x = at::zeros({0});
  EXPECT_EQ(found(), -1);
}

}  // namespace
}  // namespace hone::test
