#include "core/formats/peft.h"

#include "tests/formats/support.h"

namespace hone::formats {
namespace {

std::vector<float> read(const SafetensorsEntry& entry) {
  std::vector<float> values(static_cast<std::size_t>(elements_of(entry.info)));
  PeftAdapter::read(entry, values.data());
  return values;
}

TEST(Peft, AnAdapterSavedByPeftReads) {
  const PeftAdapter adapter = read_peft(golden("peft"));
  const PeftConfig& config = adapter.config();
  EXPECT_EQ(config.rank, 4);
  EXPECT_EQ(config.alpha, 8);
  EXPECT_EQ(config.dropout, 0.1);
  EXPECT_EQ(config.scaling(), 2);
  EXPECT_EQ(config.targets, (std::vector<std::string>{"down_proj", "q_proj"}));
  EXPECT_EQ(config.init_lora_weights, "false");
  ASSERT_EQ(adapter.pairs().size(), 4u);
  const PeftPair* pair = adapter.find("model.layers.1.mlp.down_proj");
  ASSERT_NE(pair, nullptr);
  EXPECT_EQ(pair->in(), 64);
  EXPECT_EQ(pair->out(), 32);
  EXPECT_EQ(adapter.find("model.layers.1.mlp.up_proj"), nullptr);
  std::map<std::string, std::string> hashes;
  for (const PeftPair& p : adapter.pairs())
    for (const SafetensorsEntry* entry : {p.a, p.b}) hashes[entry->info.name] = fnv(read(*entry));
  EXPECT_EQ(hashes, expected_hashes("peft/expected.json"));
}

TEST(Peft, AnAdapterWrittenReadsBackWithTheSameTensors) {
  const Scratch scratch;
  const PeftAdapter original = read_peft(golden("peft"));
  std::vector<std::vector<float>> kept;
  std::vector<PeftWeights> weights;
  for (const PeftPair& pair : original.pairs()) {
    kept.push_back(read(*pair.a));
    kept.push_back(read(*pair.b));
  }
  for (std::size_t i = 0; i < original.pairs().size(); ++i) {
    const PeftPair& pair = original.pairs()[i];
    weights.push_back({pair.module, pair.in(), pair.out(), kept[2 * i], kept[2 * i + 1]});
  }
  PeftConfig config = original.config();
  config.base_model = "base";
  config.use_rslora = true;
  write_peft(scratch / "adapter", config, weights);
  const PeftAdapter copy = read_peft(scratch / "adapter");
  EXPECT_EQ(copy.config().targets, config.targets);
  EXPECT_EQ(copy.config().base_model, "base");
  EXPECT_EQ(copy.config().scaling(), 4);
  EXPECT_EQ(copy.config().task_type, "CAUSAL_LM");
  ASSERT_EQ(copy.file().entries().size(), original.file().entries().size());
  for (const SafetensorsEntry& entry : original.file().entries())
    EXPECT_TRUE(std::ranges::equal(copy.file().find(entry.info.name)->bytes, entry.bytes)) << entry.info.name;
}

struct BadAdapter {
  std::string key;
  Json value;
  std::string code;
};

TEST(Peft, EachVariantThatIsNotSupportedIsNamed) {
  const Scratch scratch;
  copy_golden("peft", scratch);
  const Json good = Json::parse(read_all(golden("peft/adapter_config.json")));
  const Json pattern = {{"q_proj", 8}};
  const std::vector<BadAdapter> list{{"peft_type", "LOHA", "AD005"},
                                     {"peft_type", nullptr, "AD002"},
                                     {"r", nullptr, "AD002"},
                                     {"r", 0, "AD003"},
                                     {"r", "4", "AD004"},
                                     {"r", 8, "AD007"},
                                     {"lora_alpha", nullptr, "AD002"},
                                     {"lora_alpha", -1, "AD003"},
                                     {"lora_dropout", 1.5, "AD003"},
                                     {"bias", "all", "AD005"},
                                     {"use_dora", true, "AD005"},
                                     {"lora_bias", true, "AD005"},
                                     {"fan_in_fan_out", true, "AD005"},
                                     {"rank_pattern", pattern, "AD005"},
                                     {"alpha_pattern", pattern, "AD005"},
                                     {"modules_to_save", {"lm_head"}, "AD006"},
                                     {"modules_to_save", "lm_head", "AD004"},
                                     {"layer_replication", {{0, 1}}, "AD005"},
                                     {"trainable_token_indices", {3}, "AD006"},  // no rows are there
                                     {"trainable_token_indices", {3, 3}, "AD003"},
                                     {"trainable_token_indices", {-3}, "AD004"},
                                     {"trainable_token_indices", {1e300}, "AD004"},
                                     {"trainable_token_indices", "3", "AD004"},
                                     {"trainable_token_indices", {{"embed_tokens", 3}}, "AD004"},
                                     {"trainable_token_indices", {{"wte", {3}}}, "AD005"},
                                     {"trainable_token_indices", Json::array(), "none"},
                                     {"target_modules", 3, "AD004"},
                                     {"target_modules", {1}, "AD004"},
                                     {"init_lora_weights", "pissa", "AD005"},
                                     {"init_lora_weights", 1, "AD004"},
                                     {"use_rslora", "no", "AD004"},
                                     {"target_modules", "all-linear", "none"},
                                     {"modules_to_save", Json::array(), "none"},
                                     {"init_lora_weights", "gaussian", "none"}};
  for (const auto& [key, value, code] : list) {
    Json config = good;
    config[key] = value;
    write_all(scratch / "adapter_config.json", config.dump());
    EXPECT_EQ(code_of([&] { read_peft(scratch.path()); }), code) << key << " " << value;
  }
  print_bad_inputs("adapter_config.json", static_cast<std::size_t>(std::ranges::count_if(
                                              list, [](auto& l) { return l.code != "none"; })));
  write_all(scratch / "adapter_config.json", "{");
  EXPECT_EQ(code_of([&] { read_peft(scratch.path()); }), "AD001");
}

// Of reading an adapter whose tensors, all zero, are these.
std::string code_with(const Scratch& folder, const std::vector<TensorInfo>& infos) {
  SafetensorsWriter writer(folder / "adapter_model.safetensors", infos);
  for (const TensorInfo& info : infos)
    writer.write(std::vector<std::byte>(static_cast<std::size_t>(byte_size(info.dtype, elements_of(info)))));
  writer.finish();
  return code_of([&] { read_peft(folder.path()); });
}

TEST(Peft, RowsThatDoNotFitTheirIdsAreNamed) {
  const Scratch scratch;
  copy_golden("peft", scratch);
  Json config = Json::parse(read_all(golden("peft/adapter_config.json")));
  config["trainable_token_indices"] = {5, 2};
  write_all(scratch / "adapter_config.json", config.dump());
  const std::string q = "base_model.model.q",
                    embedding = "base_model.model.model.embed_tokens.token_adapter.";
  const TensorInfo a{q + ".lora_A.weight", DType::f32, {4, 3}}, b{q + ".lora_B.weight", DType::f32, {2, 4}},
      rows{embedding + "trainable_tokens_delta", DType::f32, {2, 3}},
      table{embedding + "base_layer.weight", DType::f32, {9, 3}};
  const auto with = [&](const std::vector<TensorInfo>& infos) { return code_with(scratch, infos); };
  const auto shaped = [](TensorInfo info, std::vector<std::int64_t> shape) {
    info.shape = std::move(shape);
    return info;
  };
  EXPECT_EQ(with({a, b, rows}), "none");
  EXPECT_EQ(read_peft(scratch.path()).token_rows().at(0).tensor, "model.embed_tokens.weight");
  EXPECT_EQ(with({a, b, rows, table}), "none");
  EXPECT_TRUE(read_peft(scratch.path()).token_rows().at(0).table);
  EXPECT_TRUE(read_peft(scratch.path()).saved().empty());
  EXPECT_EQ(with({a, b}), "AD006");
  EXPECT_EQ(with({a, b, table}), "AD006");
  EXPECT_EQ(with({a, b, shaped(rows, {3, 3})}), "AD007");
  EXPECT_EQ(with({a, b, shaped(rows, {6})}), "AD007");
  EXPECT_EQ(with({a, b, rows, shaped(table, {27})}), "AD007");
  EXPECT_EQ(
      with({a, b, {"base_model.model.lm_head.token_adapter.trainable_tokens_delta", DType::f32, {2, 3}}}),
      "AD006");
}

TEST(Peft, TensorsThatDoNotMakePairsAreNamed) {
  const Scratch scratch;
  copy_golden("peft", scratch);
  const std::string q = "base_model.model.q";
  const TensorInfo a{q + ".lora_A.weight", DType::f32, {4, 3}}, b{q + ".lora_B.weight", DType::f32, {2, 4}};
  const auto with = [&](const std::vector<TensorInfo>& infos) { return code_with(scratch, infos); };
  const auto changed = [](TensorInfo info, const std::function<void(TensorInfo&)>& change) {
    change(info);
    return info;
  };
  EXPECT_EQ(with({a, b}), "none");
  EXPECT_EQ(with({}), "AD006");
  EXPECT_EQ(with({a}), "AD006");
  EXPECT_EQ(with({b}), "AD006");
  EXPECT_EQ(with({a, b, changed(a, [](auto& t) { t.name = "q.lora_A.weight"; })}), "AD006");
  EXPECT_EQ(with({a, b, {"base_model.model.lm_head.weight", DType::f32, {5, 3}}}), "none");
  EXPECT_EQ(with({a, b, {"base_model.model.lm_head.weight", DType::f32, {5, 3, 1}}}), "AD007");
  EXPECT_EQ(with({a, b, changed(a, [&](auto& t) { t.name = q + ".lora_magnitude_vector"; })}), "AD006");
  EXPECT_EQ(with({changed(a, [](auto& t) { t.shape = {3, 4}; }), b}), "AD007");
  EXPECT_EQ(with({a, changed(b, [](auto& t) { t.shape = {4, 2}; })}), "AD007");
  EXPECT_EQ(with({a, changed(b, [](auto& t) { t.shape = {8}; })}), "AD007");
  EXPECT_EQ(with({a, changed(b, [](auto& t) { t.dtype = DType::i32; })}), "AD007");
}

TEST(Peft, AFolderWithoutASafetensorsFileSaysWhy) {
  const Scratch scratch;
  copy_golden("peft", scratch);
  std::filesystem::rename(scratch / "adapter_model.safetensors", scratch / "adapter_model.bin");
  EXPECT_EQ(code_of([&] { read_peft(scratch.path()); }), "IN001");
  std::filesystem::remove(scratch / "adapter_model.bin");
  EXPECT_EQ(code_of([&] { read_peft(scratch.path()); }), "FS001");
  EXPECT_EQ(code_of([&] { read_peft(scratch / "nowhere"); }), "FS001");
}

}  // namespace
}  // namespace hone::formats
