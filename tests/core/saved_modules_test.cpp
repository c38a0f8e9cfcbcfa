// Modules trained whole beside an adapter, and rows for new tokens, against PEFT and transformers.
#include "core/formats/edited_model.h"
#include "core/nn/linear_cross_entropy.h"
#include "core/objective/objective.h"
#include "core/base/error.h"
#include "tests/core/fakes.h"
#include "tests/core/nn_support.h"

namespace hone::test {
namespace {

const Golden& golden() {
  static const Golden file("saved_modules.safetensors");
  return file;
}

formats::ModelFiles micro() { return formats::open_model(golden_path("micro_llama")); }

TokenBatch samples_of(const std::string& adapter) {
  const at::Tensor tokens = golden()[adapter + ".tokens"], cu = golden()[adapter + ".cu_seqlens"];
  const at::Tensor supervised = golden()[adapter + ".supervised"];
  TokenBatch batch;
  for (std::int64_t s = 0; s + 1 < cu.size(0); ++s) {
    for (std::int64_t t = cu[s].item<std::int64_t>(); t < cu[s + 1].item<std::int64_t>(); ++t) {
      batch.tokens.push_back(tokens[t].item<std::int32_t>());
      batch.positions.push_back(static_cast<std::int32_t>(t - cu[s].item<std::int64_t>()));
      batch.supervised.push_back(supervised[t].item<std::uint8_t>());
    }
    batch.cu_seqlens.push_back(static_cast<std::int32_t>(batch.tokens.size()));
    batch.sample.push_back(s);
    batch.slot.push_back(0);
    batch.prefix.push_back(-1);
  }
  return batch;
}

model::BuildSpec trained_spec(const formats::PeftAdapter& start) {
  model::BuildSpec spec{.trained = model::Trained::adapter, .lora_init = &start};
  spec.lora = {.rank = 2, .alpha = 4, .targets = {"q_proj", "v_proj"},
               .modules_to_save = start.config().modules_to_save};
  return spec;
}

std::string code_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& error) {
    return std::string(error.code());
  }
  return "none";
}

}  // namespace

TEST(SavedModules, LogitsEqualPeft) {
  for (const std::string name : {"tokens", "norm"}) {
    const formats::PeftAdapter adapter(golden_path("micro_adapter_" + name));
    const formats::ModelFiles files = formats::with_saved_modules(micro(), adapter);
    EXPECT_FALSE(files.config.tie_embeddings);  // the head is the base's own where the adapter has none
    model::BuildSpec spec;
    spec.frozen_adapters = {&adapter};
    const model::Model model = model::build_model(files, spec, false);
    const at::Tensor hidden = model.forward(samples_of(name), {});
    const at::Tensor logits = at::mm(hidden, model.head().weight->acquire().t());
    EXPECT_LT(relative_error(logits, golden()[name + ".logits_fp64"]), 1e-5) << name;
  }
}

TEST(SavedModules, GradientsEqualPeft) {
  for (const std::string name : {"tokens", "norm"}) {
    const formats::PeftAdapter adapter(golden_path("micro_adapter_" + name));
    model::Model model = model::build_model(formats::with_saved_modules(micro(), adapter), trained_spec(adapter), false);
    const auto& parameters = model.arena().layout().parameters;
    ASSERT_EQ(parameters.size(), 6u) << name;  // A and B of q and v, and two modules
    std::vector<at::Tensor> like;
    for (std::size_t p = 0; p < parameters.size(); ++p) like.push_back(model.arena().view(p));
    TestSink sink(like);
    const TokenBatch batch = samples_of(name);
    const auto objective = objective::make_objective({});
    const double count = objective->weight(batch);
    const double loss = objective->train(model, batch, 1 / count, sink) / count;
    EXPECT_NEAR(loss, golden()[name + ".loss"].item<double>(), 1e-5 * loss);
    for (std::size_t p = 0; p < parameters.size(); ++p)
      EXPECT_LT(relative_error(sink.gradient(p), golden()[name + ".grad." + parameters[p].name]), 2e-5)
          << name << " " << parameters[p].name;
  }
}

TEST(NewTokens, RowsStartWhereTransformersDrawsThem) {
  const formats::ModelFiles old = micro(), grown = formats::with_vocabulary(micro(), 43);
  EXPECT_EQ(grown.config.vocab_size, 43);
  EXPECT_NE(grown.fingerprint, old.fingerprint);
  const formats::TensorInfo* table = grown.tensors->find("model.embed_tokens.weight");
  ASSERT_EQ(table->shape, (std::vector<std::int64_t>{43, 16}));
  at::Tensor rows = at::empty({43, 16});
  grown.tensors->read_rows(*table, 0, 43, rows.mutable_data_ptr<float>());
  const at::Tensor resized = golden()["resized"];
  EXPECT_TRUE(at::equal(rows.narrow(0, 0, 40), resized.narrow(0, 0, 40)));
  // Theirs lie around the mean of the old rows, about 3e-5 of those rows' deviation off.
  EXPECT_LT(relative_error(rows.narrow(0, 40, 3), resized.narrow(0, 40, 3)), 1e-3);
  at::Tensor piece = at::empty({2, 16});  // across the seam
  grown.tensors->read_rows(*table, 39, 41, piece.mutable_data_ptr<float>());
  EXPECT_TRUE(at::equal(piece, rows.narrow(0, 39, 2)));
}

TEST(NewTokens, ATiedHeadGrowsAlongAndAllWeightsTrain) {
  const formats::ModelFiles files = formats::with_vocabulary(micro(), 43);
  model::Model model = model::build_model(files, {.trained = model::Trained::everything}, false);
  EXPECT_EQ(model.head().weight->shape()[0], 43);
  EXPECT_EQ(model.arena().layout().parameters.front().shape[0], 43);
}

TEST(SavedModules, WhatCannotBeHeldWholeIsNamed) {
  const formats::PeftAdapter adapter(golden_path("micro_adapter_norm"));
  const auto code = [&](std::vector<std::string> names) {
    return code_of([&] {
      model::BuildSpec spec = trained_spec(adapter);
      spec.lora_init = nullptr;
      spec.lora.modules_to_save = std::move(names);
      model::build_model(formats::untied(micro()), spec, false);
    });
  };
  EXPECT_EQ(code({"embed_tokens", "lm_head", "norm"}), "none");
  EXPECT_EQ(code({"embedding"}), "AD014");
  EXPECT_EQ(code({"gate_proj"}), "AD015");
  const formats::PeftAdapter grown(golden_path("micro_adapter_tokens"));
  EXPECT_EQ(code_of([&] { formats::with_saved_modules(formats::open_model(golden_path("tiny_llama")), grown); }),
            "AD013");
}

}  // namespace hone::test
