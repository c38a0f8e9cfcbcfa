// Modules and single rows trained beside an adapter, and rows for new tokens, against PEFT and transformers.
#include "core/adapter/token_rows.h"
#include "core/base/error.h"
#include "core/formats/edited_model.h"
#include "core/model/memory.h"
#include "core/nn/linear_cross_entropy.h"
#include "core/objective/objective.h"
#include "tests/base/temporary_folder.h"
#include "tests/core/fakes.h"
#include "tests/core/nn_support.h"

namespace hone::test {
namespace {

const Golden& row_golden() {
  static const Golden file("token_rows.safetensors");
  return file;
}

const Golden& golden() {
  static const Golden file("saved_modules.safetensors");
  return file;
}

formats::ModelFiles micro() { return formats::open_model(golden_path("micro_llama")); }

TokenBatch samples_of(const std::string& adapter, const Golden& file = golden()) {
  const at::Tensor tokens = file[adapter + ".tokens"], cu = file[adapter + ".cu_seqlens"];
  const at::Tensor supervised = file[adapter + ".supervised"];
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
  spec.lora = {.rank = 2,
               .alpha = 4,
               .targets = {"q_proj", "v_proj"},
               .modules_to_save = start.config().modules_to_save,
               .token_rows = start.config().token_rows};
  return spec;
}

// Of one step from what the adapter holds.
void expect_gradients(const formats::ModelFiles& files, const formats::PeftAdapter& adapter,
                      const std::string& name, const Golden& file, std::size_t count_of_parameters) {
  model::Model model = model::build_model(files, trained_spec(adapter), false);
  const auto& parameters = model.arena().layout().parameters;
  ASSERT_EQ(parameters.size(), count_of_parameters) << name;
  std::vector<at::Tensor> like;
  for (std::size_t p = 0; p < parameters.size(); ++p) like.push_back(model.arena().view(p));
  TestSink sink(like);
  const TokenBatch batch = samples_of(name, file);
  const auto objective = objective::make_objective({});
  const double count = objective->weight(batch);
  const double loss = objective->train(model, batch, 1 / count, sink) / count;
  EXPECT_NEAR(loss, file[name + ".loss"].item<double>(), 1e-5 * loss);
  for (std::size_t p = 0; p < parameters.size(); ++p)
    EXPECT_LT(relative_error(sink.gradient(p), file[name + ".grad." + parameters[p].name]), 2e-5)
        << name << " " << parameters[p].name;
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
    const formats::ModelFiles files = formats::with_replaced(micro(), adapter);
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
  for (const std::string name : {"tokens", "norm"}) {  // A and B of q and v, and two modules
    const formats::PeftAdapter adapter(golden_path("micro_adapter_" + name));
    expect_gradients(formats::with_replaced(micro(), adapter), adapter, name, golden(), 6);
  }
}

// Rows of a tied table, and of a table and a head of its own; the folder of the second holds the tables too.
formats::ModelFiles base_of(const std::string& name) {
  return name == "two" ? formats::untied(micro()) : micro();
}

TEST(TokenRows, LogitsEqualPeft) {
  for (const std::string name : {"rows", "two"}) {
    const formats::PeftAdapter adapter(golden_path("micro_adapter_" + name));
    const formats::ModelFiles files = formats::with_replaced(base_of(name), adapter);
    EXPECT_EQ(files.config.vocab_size, 43);
    EXPECT_EQ(files.config.tie_embeddings, name == "rows");
    model::BuildSpec spec;
    spec.frozen_adapters = {&adapter};
    const model::Model model = model::build_model(files, spec, false);
    const at::Tensor hidden = model.forward(samples_of(name, row_golden()), {});
    const at::Tensor logits = at::mm(hidden, model.head().weight->acquire().t());
    EXPECT_LT(relative_error(logits, row_golden()[name + ".logits_fp64"]), 1e-5) << name;
  }
}

TEST(TokenRows, GradientsEqualPeft) {
  for (const std::string name : {"rows", "two"}) {
    const formats::PeftAdapter adapter(golden_path("micro_adapter_" + name));
    expect_gradients(formats::with_replaced(base_of(name), adapter), adapter, name, row_golden(),
                     name == "rows" ? 5 : 6);
  }
}

TEST(TokenRows, WhatTheTableShowsFollowsWhatIsTrainedAndTheRestStays) {
  const formats::PeftAdapter adapter(golden_path("micro_adapter_rows"));
  const formats::ModelFiles files = formats::with_replaced(micro(), adapter);
  model::Model model = model::build_model(files, trained_spec(adapter), false);
  const at::Tensor before = model.head().weight->acquire().clone();
  const auto& parameters = model.arena().layout().parameters;
  ASSERT_EQ(parameters[0].shape, (std::vector<std::int64_t>{4, 16}));
  const std::vector<float> moved(4 * 16, 2.5f);
  model.arena().set(0, moved);
  const at::Tensor changed = model.head().weight->acquire().ne(before).any(1);
  EXPECT_TRUE(at::equal(changed.nonzero().squeeze(1), at::tensor({5, 40, 41, 42}, at::kLong)));
}

TEST(TokenRows, MemoryCountsTheRowsAndTheTable) {
  const formats::PeftAdapter adapter(golden_path("micro_adapter_rows"));
  const formats::ModelFiles files = formats::with_replaced(micro(), adapter);
  const model::BuildSpec spec = trained_spec(adapter);
  const model::Model model = model::build_model(files, spec, false);
  EXPECT_EQ(model::trained_layout(files, spec).size, model.arena().layout().size);
  std::int64_t frozen = 0;
  for (const model::Segment& segment : model::segments_of(files, spec)) frozen += segment.frozen;
  EXPECT_EQ(frozen, model.frozen_bytes());
}

TEST(TokenRows, WhatDoesNotFitIsNamed) {
  const auto build = [](formats::TokenRows rows) {
    return code_of([&] {
      const formats::PeftAdapter adapter(golden_path("micro_adapter_rows"));
      model::BuildSpec spec = trained_spec(adapter);
      spec.lora.token_rows = std::move(rows);
      model::build_model(micro(), spec, false);
    });
  };
  EXPECT_EQ(build({{"embed_tokens", {39}}}), "none");
  EXPECT_EQ(build({{"embed_tokens", {40}}}), "AD016");
  const formats::PeftAdapter two(golden_path("micro_adapter_two")), rows(golden_path("micro_adapter_rows"));
  EXPECT_EQ(code_of([&] { formats::with_replaced(micro(), two); }), "AD013");  // no head of its own
  EXPECT_EQ(code_of([&] { formats::with_replaced(formats::open_model(golden_path("tiny_llama")), rows); }),
            "AD013");
}

TEST(TokenRows, AHeadMayHaveTheLastOfSeveralNewRowsAlone) {
  TemporaryFolder folder;
  const std::vector<float> a(2 * 16), b(16 * 2), embedding(3 * 16, 1.0f), head(16, 2.0f);
  formats::PeftConfig config;
  config.rank = 2;
  config.targets = {"q_proj"};
  config.token_rows = {{"embed_tokens", {40, 41, 42}}, {"lm_head", {42}}};
  formats::write_peft(folder.path(), config, {{"model.layers.0.self_attn.q_proj", 16, 16, a, b}},
                      {{formats::token_rows_name("model.embed_tokens"), {3, 16}, embedding},
                       {formats::token_rows_name("lm_head"), {1, 16}, head}});
  const formats::PeftAdapter adapter(folder.path());
  const formats::ModelFiles files = formats::with_replaced(formats::untied(micro()), adapter);
  ASSERT_EQ(files.config.vocab_size, 43);
  std::vector<float> row(16);
  files.tensors->read_rows(*files.tensors->find("lm_head.weight"), 42, 43, row.data());
  EXPECT_EQ(row, head);
}

TEST(TokenRows, EntriesAreIdsAndNames) {
  using adapter::entries_of, adapter::token_rows, adapter::with_new_tokens;
  const std::vector<std::string> entries{"7", "lm_head:9", "embed_tokens:3"};
  EXPECT_EQ(token_rows(entries), (formats::TokenRows{{"embed_tokens", {7, 3}}, {"lm_head", {9}}}));
  EXPECT_EQ(entries_of(token_rows(entries)), (std::vector<std::string>{"7", "3", "lm_head:9"}));
  EXPECT_EQ(with_new_tokens({"new", "5", "lm_head:new"}, {40, 41}),
            (std::vector<std::string>{"40", "41", "5", "lm_head:40", "lm_head:41"}));
  EXPECT_EQ(code_of([] { with_new_tokens({"new"}, {}); }), "US077");
  for (const char* bad : {"", "-1", "x", "1x", "norm:3", "lm_head:", "99999999999999999999"})
    EXPECT_EQ(code_of([&] { token_rows({bad}); }), "US077") << bad;
  EXPECT_EQ(code_of([] { token_rows({"3", "embed_tokens:3"}); }), "US077");
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
  EXPECT_EQ(code_of([&] { formats::with_replaced(formats::open_model(golden_path("tiny_llama")), grown); }),
            "AD013");
}

}  // namespace hone::test
