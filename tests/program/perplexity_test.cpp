// Perplexity in sliding windows against transformers.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/objective/objective.h"
#include "core/train/evaluator.h"
#include "data/load/window_batch.h"
#include "dist/local_communicator.h"
#include "tests/core/golden.h"

namespace hone::test {
namespace {

EvalResult evaluate(const model::Model& model, std::span<const std::int32_t> ids, std::int64_t length,
                    std::int64_t stride) {
  const data::Reading reading = data::sliding_windows(length, stride);
  const auto tokens = static_cast<std::int64_t>(ids.size());
  const train::HeldOut windows = [&](const train::BatchVisitor& visit) {
    for (std::int64_t w = 0; w < data::window_count(tokens, reading); ++w)
      visit(data::window_batch(ids, data::window_of(tokens, w, reading), 0));
  };
  dist::LocalCommunicator communicator;
  return train::evaluate(*objective::make_objective({}), model, windows, communicator);
}

}  // namespace

TEST(Perplexity, InSlidingWindowsEqualsTransformers) {
  const model::Model model = build("tiny_llama", {});
  const Golden golden("generation.safetensors");
  const at::Tensor ids = golden["perplexity.ids"];
  const std::span<const std::int32_t> text(ids.const_data_ptr<std::int32_t>(), ids.numel());
  for (int n = 0; n < 4; ++n) {
    const std::string name = "perplexity." + std::to_string(n);
    const at::Tensor window = golden[name + ".window"];
    const auto length = window[0].item<std::int64_t>(), stride = window[1].item<std::int64_t>();
    const EvalResult ours = evaluate(model, text, length, stride);
    const double tokens = golden[name + ".tokens"].item<double>();
    EXPECT_EQ(static_cast<double>(ours.tokens), tokens) << name;
    EXPECT_NEAR(ours.loss, golden[name + ".nll"].item<double>() / tokens, 1e-5 * ours.loss) << name;
    const bool overlap = stride < length && ours.tokens > length;  // the guide then counts otherwise
    if (!overlap) {
      EXPECT_NEAR(std::exp(ours.loss), golden[name + ".guide"].item<double>(), 1e-3 * std::exp(ours.loss))
          << name;
    }
  }
}

}  // namespace hone::test
