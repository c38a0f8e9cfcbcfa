// The whole model against transformers and PEFT: logits, losses, every gradient, and trajectories of 20
// steps.
#include <gtest/gtest.h>

#include "core/objective/objective.h"
#include "core/optim/optimizer.h"
#include "core/optim/schedule.h"
#include "core/train/gradients.h"
#include "tests/core/golden.h"
#include "tests/core/optimizer_support.h"

namespace hone::test {
namespace {

struct Probe {
  model::Model model;
  train::ArenaGradients gradients;
  explicit Probe(model::Model m) : model(std::move(m)), gradients(model.arena().layout()) {}

  double loss_and_gradients(const TokenBatch& batch) {
    gradients.begin_step();
    const auto sft = objective::make_objective({});
    const double weight = sft->weight(batch);
    return sft->train(model, batch, 1.0 / weight, gradients) / weight;
  }
  at::Tensor logits(const TokenBatch& batch) const {
    return at::mm(model.forward(batch, {}), model.head().weight->acquire().t());
  }
};

void expect_gradients(Probe& run, const Golden& golden, const std::string& prefix, double tolerance) {
  const auto& parameters = run.model.arena().layout().parameters;
  for (std::size_t p = 0; p < parameters.size(); ++p)
    EXPECT_LT(relative_error(run.gradients.gradient(p), golden[prefix + parameters[p].name]), tolerance)
        << parameters[p].name;
}

}  // namespace

TEST(GoldenModel, FullGradientsEqualTransformers) {
  for (const std::string variant : {"", "_untied"}) {
    const Golden golden("forward_backward" + variant + ".safetensors");
    Probe run(build("tiny_llama" + variant, {.trained = model::Trained::everything}));
    const TokenBatch batch = batch_of(golden, 0, 3);
    EXPECT_LT(relative_error(run.logits(batch), golden["logits_fp64"]), 1e-5);
    EXPECT_NEAR(run.loss_and_gradients(batch), golden["loss"].item<double>(), 1e-5);
    expect_gradients(run, golden, "grad.", 2e-5);
  }
}

TEST(GoldenModel, Qwen2sBiasesAndLlama3sScalingEqualTransformersFromFoldersAndGguf) {
  for (const std::string name : {"tiny_qwen2", "tiny_qwen2.gguf", "tiny_llama3"}) {
    const Golden golden(name.substr(0, name.find('.')) + ".safetensors");
    const TokenBatch batch = batch_of(golden, 0, 2);
    Probe run(build(name, {.trained = model::Trained::everything}));
    EXPECT_LT(relative_error(run.logits(batch), golden["logits_fp64"]), 1e-5) << name;
    EXPECT_NEAR(run.loss_and_gradients(batch), golden["loss"].item<double>(), 1e-5) << name;
    expect_gradients(run, golden, "grad.", 2e-5);
  }
  const Golden golden("tiny_llama3_gguf.safetensors");
  EXPECT_LT(
      relative_error(Probe(build("tiny_llama3.gguf", {})).logits(batch_of(golden, 0, 2)), golden["logits"]),
      1e-5);
}

TEST(GoldenModel, RecomputationChangesNoBit) {
  const Golden golden("forward_backward.safetensors");
  const TokenBatch batch = batch_of(golden, 0, 3);
  Probe plain(build("tiny_llama", {.trained = model::Trained::everything}));
  Probe again(build("tiny_llama", {.trained = model::Trained::everything}, /*recompute=*/true));
  EXPECT_EQ(plain.loss_and_gradients(batch), again.loss_and_gradients(batch));
  const auto a = plain.gradients.flat(), b = again.gradients.flat();
  EXPECT_TRUE(std::equal(a.begin(), a.end(), b.begin(), b.end()));
}

TEST(GoldenModel, LoraGradientsEqualPeft) {
  const Golden golden("lora_backward.safetensors");
  const formats::PeftAdapter adapter(golden_path("tiny_adapter"));
  model::BuildSpec spec{.trained = model::Trained::adapter, .lora_init = &adapter};
  spec.lora.rank = adapter.config().rank;
  spec.lora.alpha = adapter.config().alpha;
  Probe run(build("tiny_llama", spec));
  const TokenBatch batch = batch_of(golden, 0, 3);
  EXPECT_LT(relative_error(run.logits(batch), golden["logits_fp64"]), 1e-5);
  EXPECT_NEAR(run.loss_and_gradients(batch), golden["loss"].item<double>(), 1e-5);
  expect_gradients(run, golden, "grad.base_model.model.", 2e-5);
}

TEST(GoldenModel, FrozenAdaptersAddUpAsInPeft) {
  const Golden golden("two_adapters.safetensors");
  const formats::PeftAdapter first(golden_path("tiny_adapter")), second(golden_path("tiny_adapter_rslora"));
  Probe run(build("tiny_llama", {.frozen_adapters = {&first, &second}}));
  EXPECT_LT(relative_error(run.logits(batch_of(golden, 0, 3)), golden["logits_fp64"]), 1e-5);
}

namespace {

// 20 steps of AdamW against the fp64 trajectory.
void expect_trajectory(Probe& run, const Golden& golden) {
  const Golden samples("samples.safetensors");
  const auto optimizer =
      optim::make_optimizer({.lr = 1e-3, .weight_decay = 0.01}, run.model.arena().layout());
  const auto schedule = optim::make_schedule({.name = "linear", .warmup_steps = 3}, {}, 20);
  const at::Tensor losses = golden["loss"], norms = golden["grad_norm"], lrs = golden["lr"];
  for (std::int64_t step = 1; step <= 20; ++step) {
    const double loss = run.loss_and_gradients(batch_of(samples, 4 * (step - 1), 4 * step));
    const double norm = train::global_norm(run.gradients.flat());
    const double lr = 1e-3 * schedule(step - 1);
    EXPECT_NEAR(loss / losses[step - 1].item<double>(), 1.0, 1e-5) << "step " << step;
    EXPECT_NEAR(norm / norms[step - 1].item<double>(), 1.0, 1e-4) << "step " << step;
    EXPECT_NEAR(lr, lrs[step - 1].item<double>(), 1e-12);
    for (float& g : run.gradients.flat()) g *= static_cast<float>(std::min(1.0, 1.0 / (norm + 1e-6)));
    optimizer->update(step_over({{0, run.model.arena().layout().size}},
                                {"master", run.model.arena().master()}, run.gradients.flat().data(), step,
                                lr));
    run.model.arena().publish();
  }
}

}  // namespace

TEST(GoldenModel, TwentyLoraStepsFollowPeft) {
  const formats::PeftAdapter adapter(golden_path("tiny_adapter"));
  model::BuildSpec spec{.trained = model::Trained::adapter, .lora_init = &adapter};
  spec.lora.rank = adapter.config().rank;
  spec.lora.alpha = adapter.config().alpha;
  Probe run(build("tiny_llama", spec));
  expect_trajectory(run, Golden("trajectory_lora.safetensors"));
}

TEST(GoldenModel, TwentyFullStepsFollowTransformers) {
  Probe run(build("tiny_llama", {.trained = model::Trained::everything}));
  expect_trajectory(run, Golden("trajectory_full.safetensors"));
}

TEST(GoldenModel, PrequantisedModelGivesTheLogitsOfBitsandbytes) {
  const Golden golden("nf4_model.safetensors"), sequences("forward_backward.safetensors");
  Probe run(build("tiny_llama_nf4", {}));
  EXPECT_LT(relative_error(run.logits(batch_of(sequences, 0, 3)), golden["logits_fp32"]), 1e-5);
}

}  // namespace hone::test
