// NEFTune's noise: where it is, how large, and what it hangs on.
#include "core/nn/neftune.h"

#include <algorithm>
#include <cmath>

#include "tests/core/fakes.h"
#include "tests/core/nn_support.h"

namespace hone::test {
namespace {

constexpr std::int64_t kWidth = 64;

at::Tensor noise_on(const nn::BatchTensors& batch, double alpha, std::uint64_t seed = 5,
                    at::ScalarType type = at::kFloat) {
  const nn::Pass pass{batch, nullptr, nn::AdapterMode::all, {true, seed}, nullptr};
  return nn::add_neftune_noise(pass, at::zeros({batch.cu_seqlens.back(), kWidth}, type), alpha);
}

model::BuildSpec noisy(model::BuildSpec spec, double alpha) {
  spec.neftune_noise_alpha = alpha;
  return spec;
}

at::Tensor hidden_of(const model::BuildSpec& spec, const TokenBatch& batch, bool training) {
  return build("tiny_llama", spec).forward(batch, {.dropout = training});
}

}  // namespace

TEST(Neftune, IsUniformWithinAlphaOverTheRootOfLengthTimesWidth) {
  const std::vector<std::int64_t> lengths{400, 7, 100};
  const at::Tensor noise = noise_on(packed(lengths), 5.0);
  std::int64_t begin = 0;
  for (const std::int64_t length : lengths) {
    const double bound = 5.0 / std::sqrt(static_cast<double>(length * kWidth));
    const at::Tensor scaled = noise.narrow(0, begin, length).to(at::kDouble) / bound;
    const double n = static_cast<double>(scaled.numel());
    EXPECT_LE(scaled.abs().max().item<double>(), 1.0 + 1e-6);
    EXPECT_NEAR(scaled.mean().item<double>(), 0.0, 4 / std::sqrt(3 * n));  // standard deviation 1/sqrt 3
    EXPECT_NEAR(scaled.square().mean().item<double>(), 1.0 / 3, 4 * std::sqrt(4 / (45 * n)));
    const at::Tensor counts = at::histc(scaled, 10, -1, 1);  // ten equal drawers
    EXPECT_LT(((counts - n / 10).square() / (n / 10)).sum().item<double>(),
              33.7);  // chi square, 9 degrees: 1e-4
    begin += length;
  }
}

TEST(Neftune, BelongsToTheSampleAndNotToTheBatch) {
  const at::Tensor alone = noise_on(packed({7}, 3), 5.0), among = noise_on(packed({5, 4, 2, 7, 3}), 5.0);
  EXPECT_TRUE(at::equal(alone, among.narrow(0, 11, 7)));
  nn::BatchTensors later = packed({7}, 3);
  later.epoch = 1;
  EXPECT_FALSE(at::equal(alone, noise_on(later, 5.0)));
  EXPECT_FALSE(at::equal(alone, noise_on(packed({7}, 4), 5.0)));
  EXPECT_FALSE(at::equal(alone, noise_on(packed({7}, 3), 5.0, /*seed=*/6)));
}

TEST(Neftune, KeepsTheTypeOfTheEmbeddings) {
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16, at::kDouble})
    EXPECT_EQ(noise_on(packed({3}), 5.0, 5, type).scalar_type(), type);
}

TEST(Neftune, IsThereInTrainingPassesOnlyWithAFrozenEmbeddingToo) {
  const TokenBatch batch = batch_of(Golden("forward_backward.safetensors"), 0, 3);
  for (const model::BuildSpec& spec : {full_spec(), lora_spec()}) {
    const at::Tensor plain = hidden_of(spec, batch, true);
    EXPECT_TRUE(at::equal(hidden_of(noisy(spec, 5), batch, false), plain));
    EXPECT_GT(relative_error(hidden_of(noisy(spec, 5), batch, true), plain), 1e-3);
  }
}

TEST(Neftune, CutsOfABatchGiveTheSameLossesAndNorms) {
  TinyRun whole(noisy(lora_spec(), 5)), pieces(noisy(lora_spec(), 5));
  ListSource at_once(8, 4, one_bin), one_by_one(8, 4, bin_each);
  for (std::int64_t step = 1; step <= 4; ++step) {
    const StepResult a = whole.step(at_once, step), b = pieces.step(one_by_one, step);
    EXPECT_NEAR(a.loss, b.loss, 1e-5 * a.loss);
    EXPECT_NEAR(a.grad_norm, b.grad_norm, 1e-5 * a.grad_norm);
  }
}

}  // namespace hone::test
