// The head and its loss: backward against autograd in fp64 across chunk borders, the CPU kernel against ATen.
#include <cmath>
#include <limits>

#include "core/nn/linear_cross_entropy.h"
#include "tests/core/autograd.h"
#include "tests/core/nn_support.h"

namespace hone::test {
namespace {

at::Tensor log_probs(const at::Tensor& h, const at::Tensor& w, const at::Tensor& targets) {
  return at::log_softmax(at::mm(h, w.t()), -1).gather(1, targets.unsqueeze(1)).squeeze(1);
}

}  // namespace

TEST(LinearCrossEntropy, BackwardEqualsAutogradAcrossChunks) {
  at::manual_seed(31);
  for (const std::int64_t rows : {1, 255, 256, 257, 600}) {  // a chunk is 256 rows
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
      EXPECT_LT(error(nn::linear_log_prob(head, h.detach(), targets), log_probs(h, w, targets)),
                kDoubleTolerance);
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
        at::Tensor a = random({9, vocab}).mul(spread).to(type), b = a.clone();
        const double largest = a.abs().max().item<double>();
        const at::Tensor targets = at::randint(vocab, {9}, at::kLong);
        const at::Tensor logp_a = nn::softmax_gradient_aten(a, targets, 0.5);
        const at::Tensor logp_b = nn::softmax_gradient_cpu(b, targets, 0.5);
        EXPECT_LT((logp_a - logp_b).abs().max().item<double>(),
                  2e-6 * (1 + logp_a.abs().max().item<double>()));
        // ATen's version rounds logits - lse to an ulp of the largest logit.
        const double tolerance = (type == at::kFloat ? 1e-6 : kBf16Tolerance) + largest * 0x1.0p-23;
        EXPECT_LT((a - b).abs().max().item<double>(), 0.5 * tolerance);
      }
    }
  }
}

TEST(SoftmaxGradient, LogitsThatAreNotFiniteShow) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::quiet_NaN(),
                          std::numeric_limits<float>::infinity()}) {
    at::Tensor logits = at::zeros({2, 40});
    logits[1][17] = bad;
    const at::Tensor logp = nn::softmax_gradient_cpu(logits, at::zeros({2}, at::kLong), 1.0);
    EXPECT_TRUE(std::isfinite(logp[0].item<float>()));
    EXPECT_FALSE(std::isfinite(logp[1].item<float>()));
    EXPECT_FALSE(at::isfinite(logits[1]).all().item<bool>());
  }
}

}  // namespace hone::test
