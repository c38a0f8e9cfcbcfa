// AdamW against PyTorch's values; norms of the gradient arena.
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/optim/optimizer.h"
#include "core/train/gradients.h"
#include "tests/core/optimizer_support.h"

namespace hone::test {
namespace {

ArenaLayout layout_of(const std::vector<std::pair<std::int64_t, bool>>& parameters) {
  ArenaLayoutBuilder builder;
  builder.begin_block("layers.0");
  for (std::size_t p = 0; p < parameters.size(); ++p)
    builder.add("p" + std::to_string(p), {parameters[p].first}, parameters[p].second);
  return builder.finish();
}

at::Tensor tensor_of(std::span<const float> values, std::int64_t n) {
  return at::tensor(at::ArrayRef<float>(values.data(), n), at::kFloat);
}

std::vector<float> values_of(const at::Tensor& t) {
  const at::Tensor flat = t.to(at::kFloat).contiguous();
  return {flat.const_data_ptr<float>(), flat.const_data_ptr<float>() + flat.numel()};
}

// Every element by itself: the values span seven orders of magnitude.
double elementwise_error(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor x = a.to(at::kDouble), y = b.to(at::kDouble);
  return ((x - y).abs() / y.abs().clamp_min(1e-30)).max().item<double>();
}

}  // namespace

TEST(AdamW, FiveStepsEqualPyTorch) {
  const Golden golden("adamw.safetensors");
  const ArenaLayout layout = layout_of({{300, true}});
  const auto optimizer = optim::make_optimizer({.weight_decay = 0.1}, layout);
  std::vector<float> weights = values_of(golden["start"]);
  weights.resize(layout.size);
  const at::Tensor lrs = golden["lrs"], after32 = golden["fp32.parameters"],
                   after64 = golden["fp64.parameters"];
  for (std::int64_t step = 1; step <= 5; ++step) {
    std::vector<float> gradient = values_of(golden["grads"][step - 1]);
    gradient.resize(layout.size);
    optimizer->update(step_over(weights, gradient.data(), step, lrs[step - 1].item<double>()));
    EXPECT_LT(relative_error(tensor_of(weights, 300), after32[step - 1]), 2e-7) << "step " << step;
    EXPECT_LT(relative_error(tensor_of(weights, 300), after64[step - 1]), 5e-7) << "step " << step;
  }
  const auto state = optimizer->state();
  ASSERT_EQ(state.size(), 2u);
  for (const auto& tensor : state) {  // a first moment may cancel: fp32 rounding of its terms stays
    EXPECT_LT(elementwise_error(tensor_of(tensor.floats(), 300), golden["fp32." + tensor.name]), 1e-6)
        << tensor.name;
    EXPECT_LT(elementwise_error(tensor_of(tensor.floats(), 300), golden["fp64." + tensor.name]), 2e-5)
        << tensor.name;
  }
}

TEST(AdamW, DecaysOnlyWhatIsFlagged) {
  const ArenaLayout layout = layout_of({{70, true}, {10, false}});
  const auto optimizer = optim::make_optimizer({.weight_decay = 0.5}, layout);
  std::vector<float> weights(layout.size, 2.0f);
  const std::vector<float> gradient(layout.size, 0.0f);
  optimizer->update(step_over(weights, gradient.data(), 1, 0.1));
  for (const float w : std::span(weights).subspan(0, 70)) EXPECT_FLOAT_EQ(w, 2.0f * 0.95f);
  const Range second = layout.parameters[1].range;
  for (const float w : std::span(weights).subspan(second.begin, 10)) EXPECT_EQ(w, 2.0f);
  EXPECT_EQ(weights[70], 2.0f);  // padding belongs to nobody
}

TEST(AdamW, AnyCutOfTheArenaGivesTheSameBits) {
  at::manual_seed(51);
  const ArenaLayout layout = layout_of({{130, true}, {1, false}, {333, true}});
  const std::vector<float> start = values_of(at::randn({layout.size}));
  const auto whole = optim::make_optimizer({.weight_decay = 0.1}, layout);
  const auto parts = optim::make_optimizer({.weight_decay = 0.1}, layout);
  std::vector<float> a = start, b = start;
  const std::vector<std::int64_t> cuts = {0, 1, 63, 131, 256, 257, 600, layout.size};
  for (std::int64_t step = 1; step <= 4; ++step) {
    const std::vector<float> gradient = values_of(at::randn({layout.size}));
    whole->update(step_over(a, gradient.data(), step, 1e-2));
    std::vector<Range> ranges;
    for (std::size_t c = 1; c < cuts.size(); ++c) ranges.push_back({cuts[c - 1], cuts[c]});
    parts->update(step_over(ranges, {"master", b}, gradient.data(), step, 1e-2));
  }
  EXPECT_EQ(a, b);
  const auto state_a = whole->state(), state_b = parts->state();
  for (std::size_t i = 0; i < state_a.size(); ++i)
    EXPECT_TRUE(std::ranges::equal(state_a[i].bytes(), state_b[i].bytes()));
}

TEST(AdamW, LearningRateLeftOpenDependsOnTheAdapter) {
  EXPECT_EQ(optim::effective_lr({}, true), 2e-4);
  EXPECT_EQ(optim::effective_lr({}, false), 2e-5);
  EXPECT_EQ(optim::effective_lr({.lr = 0.5}, true), 0.5);
  EXPECT_EQ(optim::effective_lr({.relative_step = true}, true), 1.0);
}

TEST(GlobalNorm, EqualsTheNormInDoubleWhateverTheThreads) {
  at::manual_seed(52);
  const at::Tensor x = at::randn({100'003});
  const std::span<const float> values(x.const_data_ptr<float>(), x.numel());
  const double norm = train::global_norm(values);
  EXPECT_NEAR(norm / x.to(at::kDouble).norm().item<double>(), 1.0, 1e-7);
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  EXPECT_EQ(train::global_norm(values), norm);
  at::set_num_threads(threads);
  EXPECT_EQ(train::global_norm({}), 0.0);
}

TEST(FirstNotFinite, NamesTheFirstBadParameter) {
  const ArenaLayout layout = layout_of({{3, true}, {70, true}, {5, true}});
  train::ArenaGradients gradients(layout);
  EXPECT_EQ(gradients.first_not_finite(), "");
  gradients.flat()[layout.parameters[2].range.begin] = NAN;
  EXPECT_EQ(gradients.first_not_finite(), "p2");
  gradients.flat()[layout.parameters[1].range.end - 1] = -INFINITY;
  EXPECT_EQ(gradients.first_not_finite(), "p1");
}

}  // namespace hone::test
