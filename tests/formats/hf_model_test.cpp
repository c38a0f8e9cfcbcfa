#include "core/formats/hf_config.h"
#include "tests/formats/support.h"

namespace hone::formats {
namespace {

TEST(HfModel, ASingleFileReadsAsTransformersSavedIt) {
  const ModelFiles model = open_model(golden("single"));
  EXPECT_EQ(hashes_of(*model.tensors), expected_hashes("single/expected.json"));
  EXPECT_EQ(model.config.source_dtype, "bf16");
  EXPECT_EQ(model.config.hidden_size, 32);
  EXPECT_EQ(model.config.num_kv_heads, 2);
  EXPECT_EQ(model.config.head_dim, 8);
  EXPECT_EQ(model.config.rope_theta, 5000.0);
  EXPECT_EQ(model.config.eos_ids, (std::vector<std::int32_t>{2, 5}));
  EXPECT_FALSE(model.config.tie_embeddings);
}

TEST(HfModel, ShardsReadAsTransformersSavedThem) {
  const ModelFiles model = open_model(golden("sharded"));
  EXPECT_EQ(hashes_of(*model.tensors), expected_hashes("sharded/expected.json"));
  EXPECT_EQ(model.config.source_dtype, "fp16");
}

TEST(HfModel, ARangeOfRowsIsThatPartOfTheWhole) {
  const ModelFiles model = open_model(golden("sharded"));
  const TensorInfo& info = *model.tensors->find("model.layers.1.mlp.down_proj.weight");
  const std::vector<float> whole = read_whole(*model.tensors, info);
  std::vector<float> part(3 * 64);
  model.tensors->read_rows(info, 5, 8, part.data());
  EXPECT_EQ(part, std::vector<float>(whole.begin() + 5 * 64, whole.begin() + 8 * 64));
  EXPECT_EQ(model.tensors->raw(info).size(), whole.size() * 2);
  EXPECT_EQ(model.tensors->find("model.layers.9.mlp.down_proj.weight"), nullptr);
  EXPECT_NE(model.tensors->describe(info).find("safetensors: model.layers.1.mlp"), std::string::npos);
}

TEST(HfModel, SymbolicLinksToRegularFilesAreFollowed) {
  const Scratch scratch;
  for (const char* name : {"config.json", "model.safetensors"})
    std::filesystem::create_symlink(golden(std::string("single/") + name), scratch / name);
  EXPECT_EQ(hashes_of(*open_model(scratch.path()).tensors), expected_hashes("single/expected.json"));
}

TEST(HfModel, TheFingerprintTellsModelsApartAndIsStable) {
  EXPECT_EQ(open_model(golden("single")).fingerprint, open_model(golden("single")).fingerprint);
  EXPECT_NE(open_model(golden("single")).fingerprint, open_model(golden("sharded")).fingerprint);
}

TEST(HfModel, OnlyAPickleCheckpointIsRefusedWithAHint) {
  const Scratch scratch;
  copy_golden("single", scratch);
  std::filesystem::rename(scratch / "model.safetensors", scratch / "pytorch_model.bin");
  EXPECT_EQ(code_of([&] { open_model(scratch.path()); }), "IN001");
  std::filesystem::remove(scratch / "pytorch_model.bin");
  EXPECT_EQ(code_of([&] { open_model(scratch.path()); }), "MD010");
  EXPECT_EQ(read_model_config(scratch.path()).num_layers, 2);
}

TEST(HfModel, PathsThatAreNoModelAreRefused) {
  const Scratch scratch;
  EXPECT_EQ(code_of([&] { open_model(scratch / "nowhere"); }), "FS001");
  EXPECT_EQ(code_of([&] { open_model(scratch.path()); }), "FS001");
  EXPECT_EQ(code_of([&] { open_model(golden("single/model.safetensors")); }), "GG001");
  EXPECT_EQ(code_of([&] { open_model(write_all(scratch / "m.pt", "PK\x03\x04zzzz")); }), "IN001");
}

// The index of the sharded golden model with one change.
struct BadIndex {
  std::string name, code;
  std::function<void(Json&)> change;
};

TEST(HfIndex, EachKindOfBadIndexIsRefusedWithItsCode) {
  const std::string norm = "model.norm.weight", first = "model-00001-of-00003.safetensors";
  const auto place = [&](const std::string& shard) {
    return [=](Json& j) { j["weight_map"][norm] = shard; };
  };
  const std::vector<BadIndex> list{
      {"parent folder", "IX002", place("../model.safetensors")},
      {"absolute path", "IX002", place("/etc/passwd.safetensors")},
      {"sub-folder", "IX002", place("a/b.safetensors")},
      {"backslash", "IX002", place("a\\b.safetensors")},
      {"NUL", "IX002", place(std::string("a\0.safetensors", 14))},
      {"empty", "IX002", place("")},
      {"dots", "IX002", place("..")},
      {"too long", "IX002", place(std::string(5000, 'a') + ".safetensors")},
      {"pickle shard", "IX002", place("model.bin")},
      {"shard is a number", "IX003", [&](Json& j) { j["weight_map"][norm] = 1; }},
      {"shard is null", "IX003", [&](Json& j) { j["weight_map"][norm] = nullptr; }},
      {"no weight_map", "IX003", [](Json& j) { j.erase("weight_map"); }},
      {"weight_map is a list", "IX003", [](Json& j) { j["weight_map"] = Json::array({1}); }},
      {"weight_map is empty", "IX003", [](Json& j) { j["weight_map"] = Json::object(); }},
      {"a list", "IX003", [](Json& j) { j = Json::array(); }},
      {"tensor of no shard", "IX004", [&](Json& j) { j["weight_map"]["ghost"] = first; }},
      {"tensor in another shard", "IX004", place(first)},
      {"tensor not named", "IX005", [&](Json& j) { j["weight_map"].erase(norm); }},
      {"shard missing", "FS001", place("gone.safetensors")},
      {"too many shards", "IX006", [](Json& j) {
         for (int i = 0; i < 1001; ++i)
           j["weight_map"][std::to_string(i)] = std::to_string(i) + ".safetensors";
       }}};
  const Scratch scratch;
  copy_golden("sharded", scratch);
  const Json good = Json::parse(read_all(golden("sharded/model.safetensors.index.json")));
  for (const auto& [name, code, change] : list) {
    Json index = good;
    change(index);
    write_all(scratch / "model.safetensors.index.json", index.dump());
    EXPECT_EQ(code_of([&] { open_model(scratch.path()); }), code) << name;
  }
  print_bad_inputs("safetensors index", list.size());
  for (const char* text : {"", "{", "{\"weight_map\":{\"a\":\"b\",\"a\":\"c\"}}", "{\"a\":\"\xff\"}"}) {
    write_all(scratch / "model.safetensors.index.json", text);
    EXPECT_EQ(code_of([&] { open_model(scratch.path()); }), "IX001") << text;
  }
}

TEST(HfModel, TensorsThatDoNotFitTheArchitectureAreNamed) {
  const Scratch scratch;
  copy_golden("single", scratch);
  const Json good = Json::parse(read_all(golden("single/config.json")));
  const auto with = [&](const std::string& key, const Json& value) {
    Json config = good;
    config[key] = value;
    write_all(scratch / "config.json", config.dump());
    return code_of([&] { open_model(scratch.path()); });
  };
  EXPECT_EQ(with("num_hidden_layers", 3), "MD001");
  EXPECT_EQ(with("num_hidden_layers", 1), "MD003");
  EXPECT_EQ(with("attention_bias", true), "MD001");
  EXPECT_EQ(with("intermediate_size", 65), "MD004");
  EXPECT_EQ(with("vocab_size", 49), "MD004");
  EXPECT_EQ(with("num_key_value_heads", 4), "MD004");
  EXPECT_EQ(with("tie_word_embeddings", true), "none")
      << "the output matrix beside tied embeddings is ignored";
}

}  // namespace
}  // namespace hone::formats
