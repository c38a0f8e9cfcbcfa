// Linear layers with LoRA branches, and the dropout on their input.
#include "core/nn/linear.h"

#include <c10/core/InferenceMode.h>

#include <cmath>

#include "core/nn/add.h"
#include "core/nn/rms_norm.h"
#include "tests/core/autograd.h"
#include "tests/core/nn_support.h"

namespace hone::test {
namespace {

constexpr std::int64_t kIn = 6, kOut = 5, kRank = 3;
enum Parameter : std::size_t { kWeight, kBias, kA, kB };

// Every leaf of a layer with one trained and two frozen branches; `layer` reads the same tensors.
struct Case {
  bool weight_trained, with_bias, lora, frozen_branches;
  double rate = 0;
  at::Tensor w = leaf(random({kOut, kIn})), bias = leaf(random({kOut}));
  at::Tensor a = leaf(random({kRank, kIn})), b = leaf(random({kOut, kRank}));
  at::Tensor fa[2] = {random({2, kIn}), random({4, kIn})}, fb[2] = {random({kOut, 2}), random({kOut, 4})};

  nn::Linear layer() const {
    nn::Linear layer;
    layer.weight = weight_trained ? trained(w, kWeight) : frozen(w);
    if (with_bias) layer.bias = weight_trained ? trained(bias, kBias) : frozen(bias);
    if (frozen_branches) layer.branches.push_back({frozen(fa[0]), frozen(fb[0]), 0.5, false});
    if (lora) layer.branches.push_back({trained(a, kA), trained(b, kB), 2.0, true});
    if (frozen_branches) layer.branches.push_back({frozen(fa[1]), frozen(fb[1]), 3.0, false});
    layer.dropout = {rate, 7};
    return layer;
  }
  at::Tensor reference(const at::Tensor& x, const at::Tensor& mask, nn::AdapterMode mode) const {
    at::Tensor y = at::mm(x, w.t());
    if (with_bias) y = y + bias;
    if (lora && mode == nn::AdapterMode::all) y = y + 2.0 * at::mm(at::mm(x * mask, a.t()), b.t());
    if (frozen_branches && mode != nn::AdapterMode::none)
      y = y + 0.5 * at::mm(at::mm(x, fa[0].t()), fb[0].t()) + 3.0 * at::mm(at::mm(x, fa[1].t()), fb[1].t());
    return y;
  }
};

void expect_like_autograd(const Case& c, nn::AdapterMode mode, bool input_wants_gradient) {
  const nn::Linear layer = c.layer();
  const at::Tensor x = leaf(random({8, kIn})), d = random({8, kOut});
  TapeRun run(packed({5, 3}));
  run.adapters = mode;
  run.dropout = {true, 99};
  const at::Tensor mask =
      c.rate > 0 ? nn::dropout_mask(run.pass(), x, layer.dropout) : at::ones({8, kIn}, at::kDouble);
  const at::Tensor y = c.reference(x, mask, mode);
  const auto expected = autograd({y}, {d}, {x, c.w, c.bias, c.a, c.b});
  TestSink sink({c.w, c.bias, c.a, c.b});
  const nn::Value input = input_wants_gradient ? run.watch(x) : nn::Value{x.detach(), -1};
  const nn::Value out = nn::linear(run.pass(), input, layer);
  EXPECT_LT(error(out.tensor, y), kDoubleTolerance);
  const bool anything = c.weight_trained || (c.lora && mode == nn::AdapterMode::all);
  ASSERT_EQ(out.wants_gradient(), anything || input_wants_gradient);
  if (!out.wants_gradient()) return;
  run.play({{out, d}}, sink);
  if (input_wants_gradient) {
    EXPECT_LT(error(run.gradient(input), expected[0]), kDoubleTolerance);
  }
  for (const Parameter p : {kWeight, kBias, kA, kB}) {
    const bool wanted = p == kWeight ? c.weight_trained
                        : p == kBias ? c.weight_trained && c.with_bias
                                     : c.lora;
    EXPECT_LT(error(sink.gradient(p), wanted ? expected[1 + p] : at::zeros_like(sink.gradient(p))),
              kDoubleTolerance)
        << "parameter " << p;
  }
}

}  // namespace

TEST(Linear, BackwardEqualsAutogradInEveryCombination) {
  at::manual_seed(21);
  for (int bits = 0; bits < 32; ++bits) {
    const Case c{bool(bits & 1), bool(bits & 2), bool(bits & 4), bool(bits & 8), bits & 4 ? 0.3 : 0.0};
    SCOPED_TRACE(bits);
    expect_like_autograd(c, nn::AdapterMode::all, bits & 16);
  }
}

TEST(Linear, AdapterModesChooseTheBranches) {
  at::manual_seed(22);
  for (const nn::AdapterMode mode : {nn::AdapterMode::frozen, nn::AdapterMode::none})
    expect_like_autograd({false, true, true, true, 0.3}, mode, true);
}

TEST(Linear, LayersOnOneInputShareItsMaskAndAddUpTheirGradients) {
  at::manual_seed(23);
  const Case q{false, false, true, false, 0.4}, k{false, true, false, true, 0.0},
      v{false, false, true, true, 0.4};
  const nn::Linear lq = q.layer(), lk = k.layer(), lv = v.layer();
  const at::Tensor x = leaf(random({6, kIn})), d = random({6, kOut});
  TapeRun run(packed({6}));
  run.dropout = {true, 5};
  const at::Tensor mask = nn::dropout_mask(run.pass(), x, lq.dropout);
  const auto all = nn::AdapterMode::all;
  const std::vector<at::Tensor> y = {q.reference(x, mask, all), k.reference(x, mask, all),
                                     v.reference(x, mask, all)};
  const auto expected = autograd(y, {d, d, d}, {x});
  const nn::Value input = run.watch(x);
  const auto out = nn::linears(run.pass(), input, {&lq, &lk, &lv});
  for (std::size_t i = 0; i < 3; ++i) EXPECT_LT(error(out[i].tensor, y[i]), kDoubleTolerance);
  TestSink sink({q.w, q.bias, q.a, q.b});
  run.play({{out[0], d}, {out[1], d}, {out[2], d}}, sink);
  EXPECT_LT(error(run.gradient(input), expected[0]), kDoubleTolerance);
}

// The gradient that reaches x directly is the very tensor that the layer's own backward still reads.
TEST(Linear, ResidualAroundALayerKeepsItsGradientApart) {
  at::manual_seed(24);
  const at::Tensor x = leaf(random({4, 6})), w = leaf(random({6, 6})), scale = random({6}),
                   d = random({4, 6});
  const at::Tensor y = x + at::mm(x, w.t());
  const auto expected = autograd({y * at::rsqrt(y.square().mean(-1, true) + 1e-5) * scale}, {d}, {x, w});
  nn::Linear layer;
  layer.weight = trained(w, 0);
  TapeRun run(packed({4}));
  TestSink sink({w});
  const c10::InferenceMode guard;  // elsewhere a view keeps its base alive, which hides who shares what
  const nn::Value input = run.watch(x);
  const nn::Value sum = nn::add(run.pass(), input, nn::linear(run.pass(), input, layer));
  run.play({{nn::residual_rms_norm(run.pass(), sum, {}, frozen(scale), 1e-5).normed, d}}, sink);
  EXPECT_LT(error(run.gradient(input), expected[0]), kDoubleTolerance);
  EXPECT_LT(error(sink.gradient(0), expected[1]), kDoubleTolerance);
}

TEST(Linear, NoDropoutWhereItIsSwitchedOff) {
  at::manual_seed(25);
  const Case c{false, false, true, false, 0.5};
  const nn::Linear layer = c.layer();
  TapeRun run(packed({4}));
  const at::Tensor x = random({4, kIn});
  const at::Tensor y = nn::linear(run.pass(), {x, -1}, layer).tensor;
  EXPECT_LT(error(y, c.reference(x, at::ones_like(x), nn::AdapterMode::all)), kDoubleTolerance);
}

// ---- the mask
// ---------------------------------------------------------------------------------------------------

namespace {

at::Tensor mask_of(const nn::BatchTensors& batch, std::int64_t width, double rate, std::uint64_t seed = 1,
                   std::uint32_t site = 3) {
  const nn::Pass pass{batch, nullptr, nn::AdapterMode::all, {true, seed}, nullptr};
  return nn::dropout_mask(pass, at::empty({batch.cu_seqlens.back(), width}), {rate, site});
}

double agreement(const at::Tensor& a, const at::Tensor& b) {
  return a.eq(b).to(at::kDouble).mean().item<double>();
}

}  // namespace

TEST(Dropout, DropsAtItsRateAndScalesTheRest) {
  for (const double rate : {0.05, 0.5, 0.9}) {
    const at::Tensor mask = mask_of(packed({40, 160}), 501, rate);
    const double n = 200.0 * 501, dropped = mask.eq(0).sum().item<double>() / n;
    EXPECT_NEAR(dropped, rate, 4 * std::sqrt(rate * (1 - rate) / n));
    const at::Tensor kept = mask.masked_select(mask.ne(0));
    EXPECT_TRUE(kept.eq(static_cast<float>(1 / (1 - rate))).all().item<bool>());
  }
  EXPECT_TRUE(mask_of(packed({3}), 5, 0.0).eq(1).all().item<bool>());
}

TEST(Dropout, MaskBelongsToTheSampleNotToTheBatch) {
  const at::Tensor together = mask_of(packed({9, 5, 1}), 13, 0.5);  // samples 0, 1, 2
  EXPECT_TRUE(at::equal(mask_of(packed({5}, 1), 13, 0.5), together.narrow(0, 9, 5)));
  EXPECT_TRUE(at::equal(mask_of(packed({1}, 2), 13, 0.5), together.narrow(0, 14, 1)));
  EXPECT_TRUE(
      at::equal(mask_of(packed({4}), 13, 0.5), together.narrow(0, 0, 4)));  // cut short: the same prefix
}

TEST(Dropout, EveryPartOfTheKeyMatters) {
  const nn::BatchTensors batch = packed({30});
  const at::Tensor mask = mask_of(batch, 400, 0.5);
  nn::BatchTensors other_slot = batch, other_epoch = batch;
  other_slot.slot = {1};
  other_epoch.epoch = 1;
  const double bound = 4 * 0.5 / std::sqrt(30.0 * 400);
  EXPECT_NEAR(agreement(mask, mask_of(batch, 400, 0.5, 2)), 0.5, bound);         // seed
  EXPECT_NEAR(agreement(mask, mask_of(batch, 400, 0.5, 1, 4)), 0.5, bound);      // site
  EXPECT_NEAR(agreement(mask, mask_of(packed({30}, 1), 400, 0.5)), 0.5, bound);  // sample
  EXPECT_NEAR(agreement(mask, mask_of(other_slot, 400, 0.5)), 0.5, bound);
  EXPECT_NEAR(agreement(mask, mask_of(other_epoch, 400, 0.5)), 0.5, bound);
  EXPECT_NEAR(agreement(mask.narrow(0, 0, 29), mask.narrow(0, 1, 29)), 0.5, bound * 1.1);    // token
  EXPECT_NEAR(agreement(mask.narrow(1, 0, 399), mask.narrow(1, 1, 399)), 0.5, bound * 1.1);  // feature
  EXPECT_TRUE(at::equal(mask, mask_of(batch, 400, 0.5)));
}

}  // namespace hone::test
