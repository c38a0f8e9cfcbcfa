// The loss of a chunk of logits: the kernel against the ATen version.
#include "core/nn/linear_cross_entropy.h"
#include "core/nn/linear_cross_entropy_cuda.h"
#include "tests/kernels/on_device.h"

namespace hone::test {
namespace {

using CrossEntropyKernel = Kernel;

constexpr float kScale = 0.37f;

TEST_F(CrossEntropyKernel, LossAndGradientEqualAten) {
  for (const ElementType& type : kElementTypes) {
    for (const std::int64_t vocab : {1, 63, 64, 65, 4103}) {
      for (const std::int64_t rows : {0, 3}) {
        for (const std::int64_t shift : {0, 1}) {
          SCOPED_TRACE(testing::Message()
                       << type.at << ' ' << rows << " x " << vocab << " shifted by " << shift);
          at::Tensor logits = random({rows, vocab}, type.at) * 5;
          const at::Tensor targets = at::randint(vocab, {rows}, at::kLong);
          const OnDevice z(logits, shift), at_targets(targets), logp(at::zeros({rows})),
              loss(at::zeros({rows})), again(at::zeros({rows})), scale(at::full({1}, kScale));
          nn::LogitsArgs args{.type = type.cuda, .rows = rows, .vocab = vocab, .logits = z.data()};
          args.targets = at_targets.as<std::int64_t>();
          args.logp = again.as<float>();
          nn::log_prob_cuda(args, nullptr);
          EXPECT_TRUE(at::equal(z.host(), logits));
          args.logp = logp.as<float>(), args.loss = loss.as<float>();
          nn::softmax_gradient_cuda(args, scale.as<float>(), nullptr);
          const at::Tensor expected =
              at::log_softmax(logits.to(at::kFloat), 1).gather(1, targets.unsqueeze(1)).squeeze(1);
          nn::softmax_gradient_aten(logits, targets, kScale);
          EXPECT_LE(error(z.host(), logits), type.tolerance);
          EXPECT_LE(error(logp.host(), expected), 2e-6);
          EXPECT_TRUE(at::equal(logp.host(), again.host()));
          EXPECT_TRUE(at::equal(loss.host(), -logp.host()));
        }
      }
    }
  }
}

// e: torch's label smoothing; c: the square of the normaliser. The oracle is autograd.
TEST_F(CrossEntropyKernel, LabelSmoothingAndZLossEqualAutograd) {
  const float e = 0.1f, c = 1e-2f;
  for (const std::int64_t vocab : {65, 1000}) {
    const at::Tensor logits = random({3, vocab}, at::kFloat).set_requires_grad(true);
    const at::Tensor targets = at::randint(vocab, {3}, at::kLong), lse = logits.logsumexp(1);
    const at::Tensor expected =
        at::cross_entropy_loss(logits, targets, {}, at::Reduction::None, -100, e) + c * lse.square();
    (expected.sum() * kScale).backward();
    const OnDevice z(logits.detach()), at_targets(targets), loss(at::zeros({3})),
        scale(at::full({1}, kScale));
    nn::LogitsArgs args{.rows = 3, .vocab = vocab, .logits = z.data(), .label_smoothing = e, .z_loss = c};
    args.targets = at_targets.as<std::int64_t>(), args.loss = loss.as<float>();
    nn::softmax_gradient_cuda(args, scale.as<float>(), nullptr);
    EXPECT_LE(error(loss.host(), expected), 1e-6);
    EXPECT_LE(error(z.host(), logits.grad()), 2e-6);
  }
}

TEST_F(CrossEntropyKernel, ANegativeTargetLeavesItsRowOut) {
  at::Tensor logits = random({3, 70}, at::kFloat);
  logits[1].fill_(INFINITY);  // whatever stands there
  const OnDevice z(logits), targets(at::tensor({5, -1, 69}, at::kLong)), logp(at::ones({3})),
      loss(at::ones({3})), scale(at::ones({1}));
  nn::LogitsArgs args{.rows = 3, .vocab = 70, .logits = z.data(), .targets = targets.as<std::int64_t>()};
  args.logp = logp.as<float>(), args.loss = loss.as<float>();
  nn::softmax_gradient_cuda(args, scale.as<float>(), nullptr);
  EXPECT_TRUE(at::equal(z.host()[1], at::zeros({70})));
  EXPECT_EQ(logp.host()[1].item<float>(), 0);
  EXPECT_EQ(loss.host()[1].item<float>(), 0);
  EXPECT_LT(logp.host()[2].item<float>(), 0);
}

TEST_F(CrossEntropyKernel, LargeLogitsDoNotOverflow) {
  at::Tensor logits = at::tensor({30000.0f, 29999.0f, -30000.0f}).unsqueeze(0);
  const OnDevice z(logits), targets(at::tensor({1}, at::kLong)), logp(at::zeros({1})), scale(at::ones({1}));
  nn::softmax_gradient_cuda({.rows = 1,
                             .vocab = 3,
                             .logits = z.data(),
                             .targets = targets.as<std::int64_t>(),
                             .logp = logp.as<float>()},
                            scale.as<float>(), nullptr);
  EXPECT_NEAR(logp.host().item<double>(), -1.3132617, 1e-6);
  EXPECT_LE(error(z.host(), at::tensor({0.7310586f, -0.7310586f, 0.0f}).unsqueeze(0)), 1e-6);
}

}  // namespace
}  // namespace hone::test
