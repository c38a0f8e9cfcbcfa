// The head and its loss: backward against autograd in fp64 across chunk borders, the CPU kernel against ATen.
#include <cmath>
#include <limits>

#include "core/nn/linear_cross_entropy.h"
#include "core/objective/objective.h"
#include "tests/core/autograd.h"
#include "tests/core/golden.h"
#include "tests/core/nn_support.h"

namespace hone::test {
namespace {

at::Tensor log_probs(const at::Tensor& h, const at::Tensor& w, const at::Tensor& targets) {
  return at::log_softmax(at::mm(h, w.t()), -1).gather(1, targets.unsqueeze(1)).squeeze(1);
}

// Nothing, each term alone, both.
const std::vector<nn::LossTerms> kTerms{{0, 0}, {0.1, 0}, {0, 0.01}, {0.2, 0.003}};

}  // namespace

TEST(LinearCrossEntropy, SmoothingAndZLossEqualTransformers) {
  const Golden golden("loss_terms.safetensors");
  const at::Tensor labels = golden["labels"].view({-1}), rows = (labels >= 0).nonzero().squeeze(1);
  const at::Tensor hidden = golden["hidden"].view({-1, 8}), w = golden["weight"];
  const std::vector<std::string> names{"0.0.0.0", "0.1.0.0", "0.0.0.01", "0.2.0.003"};
  for (std::size_t i = 0; i < names.size(); ++i) {
    TestSink sink({w});
    const nn::CrossEntropy result = nn::linear_cross_entropy(
        {trained(w, 0)}, hidden.index_select(0, rows), labels.index_select(0, rows), 1.0, sink, kTerms[i]);
    // LabelSmoother sums over the vocabulary in fp32.
    EXPECT_NEAR(result.loss_sum, golden[names[i] + ".loss"].item<double>(), 1e-6 * result.loss_sum);
    const at::Tensor d_hidden = at::zeros_like(hidden).index_copy_(0, rows, result.d_h);
    EXPECT_LT(error(d_hidden, golden[names[i] + ".d_hidden"].view({-1, 8})), 1e-7);
    EXPECT_LT(error(sink.gradient(0), golden[names[i] + ".d_weight"]), 1e-7);
  }
}

TEST(LinearCrossEntropy, SmoothedBackwardEqualsAutogradAcrossChunks) {
  at::manual_seed(34);
  for (const nn::LossTerms& terms : kTerms) {
    const at::Tensor h = leaf(random({300, 8})), w = leaf(random({37, 8}));
    const at::Tensor targets = at::randint(37, {300}, at::kLong);
    const at::Tensor logits = at::mm(h, w.t());
    const at::Tensor loss =
        at::cross_entropy_loss(logits, targets, {}, at::Reduction::Sum, -100, terms.label_smoothing) +
        logits.logsumexp(1).square().sum() * terms.z_loss;
    const auto expected = autograd({loss}, {at::full({}, 0.125, at::kDouble)}, {h, w});
    TestSink sink({w});
    const nn::CrossEntropy result =
        nn::linear_cross_entropy({trained(w, 0)}, h.detach(), targets, 0.125, sink, terms);
    EXPECT_NEAR(result.loss_sum, loss.item<double>(), 1e-10 * loss.item<double>());
    EXPECT_LT(error(result.d_h, expected[0]), kDoubleTolerance);
    EXPECT_LT(error(sink.gradient(0), expected[1]), kDoubleTolerance);
  }
}

TEST(SftObjective, SmoothingAndZLossShapeTrainingAndNotEvaluation) {
  model::Model model = build("tiny_llama", {.trained = model::Trained::everything});
  const TokenBatch batch = batch_of(Golden("forward_backward.safetensors"), 0, 3);
  const auto plain = objective::make_objective({});
  const auto shaped = objective::make_objective({.label_smoothing = 0.1, .z_loss = 0.01});
  std::vector<at::Tensor> like;
  for (std::size_t p = 0; p < model.arena().layout().parameters.size(); ++p)
    like.push_back(model.arena().view(p));
  TestSink a(like), b(like);
  EXPECT_GT(shaped->train(model, batch, 1, a), plain->train(model, batch, 1, b) + 1);
  EXPECT_GT(error(a.gradient(0), b.gradient(0)), 0.01);
  for (std::size_t s = 0; s < 3; ++s)
    EXPECT_EQ(shaped->score(model, batch)[s].logp, plain->score(model, batch)[s].logp);
}

TEST(LinearCrossEntropy, BackwardEqualsAutogradAcrossChunks) {
  at::manual_seed(31);
  for (const std::int64_t rows : {1, 191, 192, 193, 600}) {  // a chunk is 192 rows
    for (const bool head_trained : {true, false}) {
      const at::Tensor h = leaf(random({rows, 8})), w = leaf(random({37, 8}));
      const at::Tensor targets = at::randint(37, {rows}, at::kLong);
      const at::Tensor loss = -log_probs(h, w, targets).sum();
      const auto expected = autograd({loss}, {at::full({}, 0.125, at::kDouble)}, {h, w});
      TestSink sink({w});
      const nn::Head head{head_trained ? trained(w, 0) : frozen(w)};
      const nn::CrossEntropy result = nn::linear_cross_entropy(head, h.detach(), targets, 0.125, sink);
      EXPECT_NEAR(result.loss_sum, loss.item<double>(), 1e-10 * loss.item<double>());
      EXPECT_LT(error(result.d_h, expected[0]), kDoubleTolerance);
      EXPECT_LT(error(sink.gradient(0), head_trained ? expected[1] : at::zeros_like(w)), kDoubleTolerance);
      const nn::TokenScores scores = nn::score_targets(head, h.detach(), targets);
      EXPECT_LT(error(scores.logp, log_probs(h, w, targets)), kDoubleTolerance);
      EXPECT_TRUE(at::equal(scores.likeliest, at::mm(h, w.t()).argmax(1).eq(targets)));
    }
  }
}

TEST(LinearCrossEntropy, RowsMayRepeat) {
  at::manual_seed(32);
  const at::Tensor hidden = leaf(random({4, 6})), w = leaf(random({11, 6}));
  const at::Tensor row = at::tensor(at::ArrayRef<std::int64_t>({2, 0, 2, 2, 3}), at::kLong);
  const at::Tensor targets = at::tensor(at::ArrayRef<std::int64_t>({1, 10, 1, 5, 0}), at::kLong);
  const at::Tensor loss = -log_probs(hidden.index_select(0, row), w, targets).sum();
  const auto expected = autograd({loss}, {at::ones({}, at::kDouble)}, {hidden, w});
  TestSink sink({w});
  const auto result =
      nn::linear_cross_entropy({trained(w, 0)}, hidden.detach().index_select(0, row), targets, 1.0, sink);
  EXPECT_LT(error(at::zeros({4, 6}, at::kDouble).index_add_(0, row, result.d_h), expected[0]),
            kDoubleTolerance);
  EXPECT_LT(error(sink.gradient(0), expected[1]), kDoubleTolerance);
}

TEST(SoftmaxGradient, CpuKernelEqualsAten) {
  at::manual_seed(33);
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    for (const std::int64_t vocab : {1, 15, 16, 17, 1003}) {
      for (const double spread : {1.0, 50.0, 1e4}) {  // the last: one token takes all
        for (const nn::LossTerms& terms : kTerms) {
          at::Tensor a = random({9, vocab}).mul(spread).to(type), b = a.clone();
          const double largest = a.abs().max().item<double>();
          const at::Tensor targets = at::randint(vocab, {9}, at::kLong);
          const at::Tensor loss_a = nn::softmax_gradient_aten(a, targets, 0.5, terms);
          const at::Tensor loss_b = nn::softmax_gradient_cpu(b, targets, 0.5, terms);
          EXPECT_LT((loss_a - loss_b).abs().max().item<double>(),
                    2e-6 * (1 + loss_a.abs().max().item<double>()));
          // ATen's version rounds logits - lse to an ulp of the largest logit.
          const double steepest = 1 + 2 * terms.z_loss * (largest + std::log(static_cast<double>(vocab)));
          const double tolerance = (type == at::kFloat ? 1e-6 : kBf16Tolerance) + largest * 0x1.0p-23;
          EXPECT_LT((a - b).abs().max().item<double>(), 0.5 * steepest * tolerance);
        }
      }
    }
  }
}

TEST(SoftmaxGradient, LogitsThatAreNotFiniteShow) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::quiet_NaN(),
                          std::numeric_limits<float>::infinity()}) {
    at::Tensor logits = at::zeros({2, 40});
    logits[1][17] = bad;
    const at::Tensor losses = nn::softmax_gradient_cpu(logits, at::zeros({2}, at::kLong), 1.0);
    EXPECT_TRUE(std::isfinite(losses[0].item<float>()));
    EXPECT_FALSE(std::isfinite(losses[1].item<float>()));
    EXPECT_FALSE(at::isfinite(logits[1]).all().item<bool>());
  }
}

}  // namespace hone::test
