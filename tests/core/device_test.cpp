// The same numbers wherever a model computes: on a device whose memory the host cannot touch, and on a GPU
// where one is.
#include <gtest/gtest.h>

#include "core/generate/generator.h"
#include "core/quant/device_nf4_weight.h"
#include "core/train/gradients.h"
#include "core/train/graphed_objective.h"
#include "tests/core/devices.h"
#include "tests/core/fakes.h"

namespace hone::test {
namespace {

struct Outcome {
  double loss = 0;
  double norm = 0;
  at::Tensor gradient;
};

Outcome loss_and_gradient(model::BuildSpec spec, at::Device device, bool recompute) {
  spec.device = device;
  model::Model model = build("tiny_llama", spec, recompute);
  train::ArenaGradients gradients(model.arena().layout(), device);
  gradients.begin_step();
  TokenBatch batch = batch_of(Golden("forward_backward.safetensors"), 0, 3);
  batch.epoch = 3;
  Outcome out;
  out.loss = objective::make_objective({})->train(model, batch, 0.25, gradients);
  out.norm = gradients.norm();
  gradients.scale(0.5f);
  std::vector<at::Tensor> parts;
  for (std::size_t p = 0; p < model.arena().layout().parameters.size(); ++p)
    parts.push_back(gradients.gradient(p).cpu().flatten());
  out.gradient = at::cat(parts);
  return out;
}

class OnEveryDevice : public ::testing::TestWithParam<std::string> {
 protected:
  at::Device device() const { return device_named(GetParam()); }

  void expect_like_the_cpu(const model::BuildSpec& spec, double tolerance, bool recompute = false) {
    const Outcome here = loss_and_gradient(spec, device(), recompute),
                  cpu = loss_and_gradient(spec, at::kCPU, recompute);
    EXPECT_NEAR(here.loss, cpu.loss, tolerance * std::abs(cpu.loss));
    EXPECT_NEAR(here.norm, cpu.norm, tolerance * cpu.norm);
    EXPECT_LT(relative_error(here.gradient, cpu.gradient), tolerance);
  }
};

INSTANTIATE_TEST_SUITE_P(Devices, OnEveryDevice, ::testing::ValuesIn(device_names()),
                         [](const auto& info) { return info.param; });

}  // namespace

TEST_P(OnEveryDevice, FullGradientsEqualTheCpus) { expect_like_the_cpu(full_spec(), 2e-5); }

TEST_P(OnEveryDevice, LoraGradientsWithDropoutEqualTheCpus) {
  expect_like_the_cpu(lora_spec(0.2), 2e-5);
  expect_like_the_cpu(lora_spec(0.2), 2e-5, /*recompute=*/true);
}

TEST_P(OnEveryDevice, BlockInputsKeptInHostMemoryChangeNoBit) {
  model::BuildSpec kept = lora_spec(0.2), put_aside = kept;
  put_aside.offload_block_inputs = true;
  const Outcome a = loss_and_gradient(kept, device(), true), b = loss_and_gradient(put_aside, device(), true);
  EXPECT_EQ(a.loss, b.loss);
  EXPECT_TRUE(at::equal(a.gradient, b.gradient));
}

TEST_P(OnEveryDevice, QloraGradientsEqualTheCpus) {
  for (const bool double_quant : {true, false}) {
    model::BuildSpec spec = lora_spec();
    spec.nf4 = true;
    spec.double_quant = double_quant;
    expect_like_the_cpu(spec, 2e-5);
  }
}

TEST_P(OnEveryDevice, Bf16StaysNearTheCpus) {
  model::BuildSpec spec = lora_spec();
  spec.compute = at::kBFloat16;
  expect_like_the_cpu(spec, 5e-2);
}

TEST_P(OnEveryDevice, EveryOptimizerMovesWeightsAsOnTheCpu) {
  for (const char* name : {"adamw", "adamw_8bit", "adafactor", "lion", "sgd"}) {
    const auto weights_after_steps = [&](at::Device where, bool paged) {
      model::BuildSpec spec = lora_spec();
      spec.device = where;
      TinyRun run(spec);
      const OptimOptions options{.name = name, .weight_decay = 0.01, .paged = paged};
      run.optimizer =
          optim::make_optimizer_on(where, options, run.model.arena().layout(), run.model.arena().owned());
      ListSource source(8, 4, one_bin);
      for (std::int64_t step = 1; step <= 3; ++step) run.step(source, step);
      return run.model.arena().on_host().clone();
    };
    const at::Tensor cpu = weights_after_steps(at::kCPU, false);
    EXPECT_LT(relative_error(weights_after_steps(device(), false), cpu), 1e-4) << name;
    EXPECT_LT(relative_error(weights_after_steps(device(), true), cpu), 1e-4) << name;
  }
}

TEST_P(OnEveryDevice, MicroBatchesOfABucketGiveTheirOwnLossesAndGradients) {
  model::BuildSpec spec = lora_spec(0.2);
  spec.device = device();
  TinyRun run(spec);
  const auto graphed = train::make_graphed(objective::make_objective({}), /*capture=*/device().is_cuda());
  const Golden golden("forward_backward.safetensors");
  for (const auto& [first, last] :
       {std::pair(0, 3), std::pair(0, 3), std::pair(0, 2), std::pair(0, 3), std::pair(0, 2)}) {
    TokenBatch batch = batch_of(golden, first, last);
    batch.epoch = last;
    run.gradients.begin_step();
    const double expected = run.objective->train(run.model, batch, 0.25, run.gradients);
    std::vector<at::Tensor> wanted;
    for (std::size_t p = 0; p < run.model.arena().layout().parameters.size(); ++p)
      wanted.push_back(run.gradients.gradient(p).cpu().clone());
    run.gradients.begin_step();
    EXPECT_NEAR(graphed->train(run.model, batch, 0.25, run.gradients), expected, 2e-5 * std::abs(expected));
    for (std::size_t p = 0; p < wanted.size(); ++p)
      EXPECT_LT(relative_error(run.gradients.gradient(p).cpu(), wanted[p]), 2e-5);
  }
}

TEST_P(OnEveryDevice, ScoresEqualTheCpus) {
  const TokenBatch batch = batch_of(Golden("forward_backward.safetensors"), 0, 3);
  const auto sft = objective::make_objective({});
  const auto here = sft->score(build("tiny_llama", {.device = device()}), batch);
  const auto cpu = sft->score(build("tiny_llama", {}), batch);
  ASSERT_EQ(here.size(), cpu.size());
  for (std::size_t s = 0; s < here.size(); ++s)
    EXPECT_NEAR(here[s].logp, cpu[s].logp, 1e-4 * std::abs(cpu[s].logp));
}

TEST_P(OnEveryDevice, GreedyIdsEqualTransformers) {
  const Golden golden("generate.safetensors");
  const auto ids = [&](const std::string& name) {
    const at::Tensor values = golden[name].to(at::kInt).contiguous();
    return std::vector<std::int32_t>(values.const_data_ptr<std::int32_t>(),
                                     values.const_data_ptr<std::int32_t>() + values.numel());
  };
  std::vector<generate::Prompt> prompts;
  std::vector<generate::Answer> answers;
  for (std::uint64_t i = 0; i < 3; ++i) {
    prompts.push_back({i, ids(std::to_string(i) + ".prompt")});
    answers.push_back(ids(std::to_string(i) + ".ids"));
  }
  const model::Model model = build("tiny_llama", {.device = device()});
  EXPECT_EQ(generate::generate(model, prompts, {.max_new_tokens = 16}), answers);
}

TEST_P(OnEveryDevice, DrawsTheIdsThatTheCpuDraws) {
  const std::vector<generate::Prompt> prompts = {{0, {5, 9, 2}}, {1, {7}}};
  generate::GenerateSettings settings{.max_new_tokens = 12};
  settings.sampler = {
      .temperature = 0.8, .top_k = 40, .top_p = 0.9, .min_p = 0.01, .repetition_penalty = 1.2};
  EXPECT_EQ(generate::generate(build("tiny_llama", {.device = device()}), prompts, settings),
            generate::generate(build("tiny_llama", {}), prompts, settings));
}

TEST_P(OnEveryDevice, Nf4QuantisedThereHasTheCpusBits) {
  if (!device().is_cuda()) return;  // elsewhere weights are quantised on the host, which formats' tests cover
  const at::Tensor values = at::randn({64, 96});
  for (const bool double_quant : {true, false}) {
    quant::Nf4Quantizer quantizer(values.numel());
    quantizer.push({values.const_data_ptr<float>(), static_cast<std::size_t>(values.numel())});
    const quant::Nf4Tensors host = quant::to_device(quantizer.finish(double_quant), device());
    const quant::Nf4Tensors there = quant::quantize_on_cuda(values.to(device()), double_quant);
    EXPECT_TRUE(at::equal(there.codes.cpu(), host.codes.cpu()));
    const at::Tensor &a = double_quant ? there.nested_codes : there.absmax,
                     &b = double_quant ? host.nested_codes : host.absmax;
    EXPECT_TRUE(at::equal(a.cpu(), b.cpu()));
  }
}

TEST_P(OnEveryDevice, Nf4WeightsAreTheCpusBits) {
  const at::Tensor values = at::randn({24, 100});  // the last block is short
  for (const bool double_quant : {true, false}) {
    quant::Nf4Quantizer quantizer(values.numel());
    quantizer.push({values.const_data_ptr<float>(), static_cast<std::size_t>(values.numel())});
    const quant::Nf4Data data = quantizer.finish(double_quant);
    for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
      const quant::Nf4Weight host(data, {24, 100}, type);
      const quant::DeviceNf4Weight here(quant::to_device(data, device()), {24, 100}, type);
      EXPECT_TRUE(at::equal(here.acquire().cpu(), host.acquire()));
    }
  }
}

}  // namespace hone::test
