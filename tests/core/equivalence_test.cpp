// What must not change a result: how a batch is cut, how it is packed, recomputation, what is frozen beside.
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/model/builder.h"
#include "tests/core/fakes.h"

namespace hone::test {
namespace {

at::Tensor tensor_of(std::span<const float> values) {
  return at::tensor(at::ArrayRef<float>(values.data(), values.size()), at::kFloat);
}

// Losses and gradient norms of some steps, four samples each.
std::vector<StepResult> trajectory(TinyRun& run, const Cutter& cutter, std::int64_t steps = 6) {
  ListSource source(10, 4, cutter);  // the third batch is short
  std::vector<StepResult> results;
  for (std::int64_t step = 1; step <= steps; ++step) results.push_back(run.step(source, step));
  return results;
}

std::vector<TokenBatch> reversed(std::vector<TokenBatch> samples) {
  std::reverse(samples.begin(), samples.end());
  return one_bin(std::move(samples));
}

std::vector<TokenBatch> uneven_with_empty_bins(std::vector<TokenBatch> samples) {
  std::vector<TokenBatch> bins = {TokenBatch{}, samples[0], TokenBatch{}};
  bins.push_back(joined({samples.begin() + 1, samples.end()}));
  bins.push_back(TokenBatch{});
  return bins;
}

void expect_same_trajectories(const model::BuildSpec& spec) {
  TinyRun reference(spec);
  const std::vector<StepResult> expected = trajectory(reference, one_bin);
  for (const Cutter& cutter : {Cutter(bin_each), Cutter(reversed), Cutter(uneven_with_empty_bins)}) {
    TinyRun run(spec);
    const std::vector<StepResult> results = trajectory(run, cutter);
    for (std::size_t i = 0; i < results.size(); ++i) {
      EXPECT_NEAR(results[i].loss / expected[i].loss, 1.0, 1e-5) << "step " << i + 1;
      EXPECT_NEAR(results[i].grad_norm / expected[i].grad_norm, 1.0, 1e-5) << "step " << i + 1;
      EXPECT_EQ(results[i].supervised_tokens, expected[i].supervised_tokens);
      EXPECT_EQ(results[i].tokens, expected[i].tokens);
    }
  }
}

// Gradients of one batch, and the blocks announced.
struct OneBatch : GradientSink {
  train::ArenaGradients gradients;
  std::vector<std::size_t> blocks;
  double loss = 0;
  OneBatch(TinyRun& run, const TokenBatch& batch) : gradients(run.model.arena().layout()) {
    loss = run.objective->train(run.model, batch, 1.0, *this);
  }
  at::Tensor gradient(std::size_t p) override { return gradients.gradient(p); }
  void block_final(std::size_t b) override { blocks.push_back(b); }
};

}  // namespace

TEST(MicroBatches, AnyCutOfABatchTrainsTheSame) { expect_same_trajectories(full_spec()); }

TEST(MicroBatches, AnyCutOfABatchTrainsTheSameAdapterUnderDropout) {
  expect_same_trajectories(lora_spec(0.2));
}

TEST(Packing, ASequenceIsAloneAmongOthers) {
  const Golden golden("samples.safetensors");
  TinyRun run(full_spec());
  const TokenBatch batch = batch_of(golden, 0, 7);
  const at::Tensor all = run.model.forward(batch, {});
  for (std::int64_t s = 0; s < 7; ++s) {
    const at::Tensor alone = run.model.forward(batch_of(golden, s, s + 1), {});
    EXPECT_LT(relative_error(all.narrow(0, batch.cu_seqlens[s], alone.size(0)), alone), 1e-5)
        << "sequence " << s;
  }
  const auto packed = run.objective->score(run.model, batch);
  for (std::int64_t s = 0; s < 7; ++s) {
    const auto alone = run.objective->score(run.model, batch_of(golden, s, s + 1));
    EXPECT_NEAR(packed[s].logp, alone[0].logp, 1e-5 * std::abs(alone[0].logp));
    EXPECT_EQ(packed[s].tokens, alone[0].tokens);
    EXPECT_EQ(packed[s].sample, s);
  }
}

TEST(Recomputation, ChangesNoBitUnderLoraAndDropout) {
  for (const model::BuildSpec& spec : {lora_spec(0.3), full_spec()}) {
    TinyRun plain(spec), again(spec, /*recompute=*/true);
    const auto a = trajectory(plain, bin_each, 4), b = trajectory(again, bin_each, 4);
    for (std::size_t i = 0; i < a.size(); ++i) EXPECT_EQ(a[i].loss, b[i].loss);
    EXPECT_EQ(plain.weights(), again.weights());
  }
}

// The program trains in inference mode, where LibTorch tracks neither views nor versions.
TEST(InferenceMode, ChangesNoBit) {
  for (const model::BuildSpec& spec : {lora_spec(0.3), full_spec()}) {
    TinyRun plain(spec);
    const auto expected = trajectory(plain, bin_each, 4);
    const c10::InferenceMode guard;
    TinyRun run(spec);
    const auto results = trajectory(run, bin_each, 4);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      EXPECT_EQ(results[i].loss, expected[i].loss);
    }
    EXPECT_EQ(run.weights(), plain.weights());
  }
}

TEST(Nf4Model, TrainsItsAdapterTheSameHoweverABatchIsCut) {
  model::BuildSpec spec = lora_spec();
  spec.nf4 = true;
  expect_same_trajectories(spec);
}

TEST(Frozen, WhatIsNotTrainedIsNotInTheArenaAndChangesNoGradient) {
  const Golden golden("samples.safetensors");
  const TokenBatch batch = batch_of(golden, 0, 4);
  TinyRun all(lora_spec()), last(lora_spec(0, {"layers.2.self_attn.q_proj", "layers.2.mlp.down_proj"}));
  const auto& layout = last.model.arena().layout();
  ASSERT_EQ(layout.parameters.size(), 4u);
  ASSERT_EQ(layout.blocks.size(), 1u);  // neither embedding nor head nor other layers
  OneBatch everything(all, batch), few(last, batch);
  EXPECT_NEAR(few.loss, everything.loss, 1e-6 * everything.loss);  // B starts at zero: the same model
  const auto& names = all.model.arena().layout().parameters;
  for (std::size_t p = 0; p < layout.parameters.size(); ++p) {
    const auto same = std::find_if(names.begin(), names.end(), [&](const ParameterSlice& s) {
      return s.name == layout.parameters[p].name;
    });
    ASSERT_NE(same, names.end());
    const at::Tensor expected = everything.gradient(same - names.begin());
    if (layout.parameters[p].name.find("lora_B") != std::string::npos) {
      EXPECT_GT(expected.abs().max().item<float>(), 0);
    }
    EXPECT_LT(relative_error(few.gradient(p), expected), 1e-6) << layout.parameters[p].name;
  }
}

TEST(EmptyBatch, LeavesNoGradientAndStillAnnouncesEveryBlockOnce) {
  const Golden golden("samples.safetensors");
  TokenBatch unsupervised = batch_of(golden, 0, 2);
  std::fill(unsupervised.supervised.begin(), unsupervised.supervised.end(), 0);
  unsupervised.supervised[0] = 1;  // a first token is never a target
  for (const model::BuildSpec& spec : {full_spec(), lora_spec()}) {
    TinyRun run(spec);
    for (const TokenBatch& batch : {TokenBatch{}, unsupervised}) {
      OneBatch result(run, batch);
      EXPECT_EQ(result.loss, 0.0);
      EXPECT_EQ(run.objective->weight(batch), 0.0);
      EXPECT_EQ(train::global_norm(result.gradients.flat()), 0.0);
      std::sort(result.blocks.begin(), result.blocks.end());
      std::vector<std::size_t> each(run.model.arena().layout().blocks.size());
      for (std::size_t b = 0; b < each.size(); ++b) each[b] = b;
      EXPECT_EQ(result.blocks, each);
    }
  }
}

TEST(Sft, WeightCountsTargetsAfterTheShift) {
  TokenBatch batch;
  batch.tokens = {1, 2, 3, 4, 5, 6};
  batch.positions = {0, 1, 2, 3, 0, 1};
  batch.supervised = {1, 0, 1, 1, 1, 1};  // both first tokens are marked, neither counts
  batch.cu_seqlens = {0, 4, 6};
  batch.sample = {0, 1}, batch.slot = {0, 0}, batch.prefix = {-1, -1};
  EXPECT_EQ(objective::make_objective({})->weight(batch), 3.0);
  const TargetRows rows = target_rows(batch);
  EXPECT_EQ(rows.row, (std::vector<std::int64_t>{1, 2, 4}));
  EXPECT_EQ(rows.target, (std::vector<std::int64_t>{3, 4, 6}));
  EXPECT_EQ(rows.sequence, (std::vector<std::int64_t>{0, 0, 1}));
}

TEST(LoraInit, AIsUniformBIsZeroAndTheModelUnchanged) {
  TinyRun run(lora_spec());
  for (const ParameterSlice& slice : run.model.arena().layout().parameters) {
    const auto p = static_cast<std::size_t>(&slice - run.model.arena().layout().parameters.data());
    const at::Tensor values = tensor_of(run.model.arena().master(p));
    if (slice.name.ends_with("lora_B.weight")) {
      EXPECT_TRUE(values.eq(0).all().item<bool>()) << slice.name;
      continue;
    }
    const double bound = 1.0 / std::sqrt(static_cast<double>(slice.shape[1]));
    EXPECT_LE(values.abs().max().item<double>(), bound * (1 + 1e-6)) << slice.name;
    EXPECT_GT(values.abs().max().item<double>(), bound * 0.95) << slice.name;
    EXPECT_NEAR(values.square().mean().item<double>() / (bound * bound / 3), 1.0, 0.25) << slice.name;
  }
  const Golden golden("samples.safetensors");
  const TokenBatch batch = batch_of(golden, 0, 3);
  EXPECT_TRUE(
      at::equal(run.model.forward(batch, {}), run.model.forward(batch, {.adapters = nn::AdapterMode::none})));
}

TEST(LoraInit, FollowsSeedAndModuleAlone) {
  model::BuildSpec other = lora_spec();
  other.seed = 43;
  EXPECT_EQ(TinyRun(lora_spec()).weights(), TinyRun(lora_spec()).weights());
  EXPECT_NE(TinyRun(lora_spec()).weights(), TinyRun(other).weights());
  TinyRun all(lora_spec()), few(lora_spec(0, {"v_proj"}));  // another arena, the same start values
  const auto& slices = all.model.arena().layout().parameters;
  const auto same = std::find_if(slices.begin(), slices.end(), [&](const ParameterSlice& s) {
    return s.name == few.model.arena().layout().parameters[2].name;
  });
  EXPECT_TRUE(at::equal(tensor_of(few.model.arena().master(2)),
                        tensor_of(all.model.arena().master(same - slices.begin()))));
}

TEST(DropoutSites, AreOnePerInputWhicheverModulesAreAdapted) {
  const formats::ModelFiles files = formats::open_model(golden_path("tiny_llama"));
  const model::BuildSpec spec = lora_spec(0.1, {"v_proj", "up_proj"});
  model::ModuleBuilder builder(*files.tensors, spec);
  std::vector<std::uint32_t> sites;
  for (const std::string layer : {"model.layers.0.", "model.layers.1."}) {
    builder.begin_block(layer == "model.layers.0." ? "layers.0" : "layers.1");
    const auto site = [&](const std::string& name, std::int64_t out, std::int64_t in) {
      return builder.linear(layer + name, out, in, false).dropout.site;
    };
    sites.push_back(site("self_attn.q_proj", 64, 64));
    EXPECT_EQ(site("self_attn.k_proj", 32, 64), sites.back());
    EXPECT_EQ(site("self_attn.v_proj", 32, 64), sites.back());
    sites.push_back(site("self_attn.o_proj", 64, 64));
    sites.push_back(site("mlp.gate_proj", 96, 64));
    EXPECT_EQ(site("mlp.up_proj", 96, 64), sites.back());
    sites.push_back(site("mlp.down_proj", 64, 96));
  }
  std::sort(sites.begin(), sites.end());
  EXPECT_EQ(std::adjacent_find(sites.begin(), sites.end()), sites.end());
}

}  // namespace hone::test
