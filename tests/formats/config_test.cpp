#include "core/formats/hf_config.h"
#include "tests/formats/support.h"

namespace hone::formats {
namespace {

Json good_config() { return Json::parse(read_all(golden("single/config.json"))); }

ModelConfig parse_with(const std::function<void(Json&)>& change) {
  Json config = good_config();
  change(config);
  return parse_hf_config(config, "config.json");
}

TEST(HfConfig, KeysThatAreAbsentHaveTheDefaultsOfTransformers) {
  const ModelConfig config = parse_with([](Json& j) {
    for (const char* key : {"num_key_value_heads", "head_dim", "rope_parameters", "rms_norm_eps", "dtype",
                            "max_position_embeddings", "attention_bias", "bos_token_id", "eos_token_id"})
      j.erase(key);
  });
  EXPECT_EQ(config.num_kv_heads, 4);
  EXPECT_EQ(config.head_dim, 8);
  EXPECT_EQ(config.rope_theta, 10000.0);
  EXPECT_EQ(config.rms_eps, 1e-6);
  EXPECT_EQ(config.max_positions, 2048);
  EXPECT_EQ(config.bos_id, 1);
  EXPECT_EQ(config.eos_ids, std::vector<std::int32_t>{2});
  EXPECT_EQ(config.source_dtype, "fp32");
}

TEST(HfConfig, BothSpellingsOfTransformersFourAndFiveRead) {
  const ModelConfig four = parse_with([](Json& j) {
    j.erase("rope_parameters");
    j.erase("dtype");
    j["rope_theta"] = 500000;
    j["rope_scaling"] = nullptr;
    j["torch_dtype"] = "float16";
    j["eos_token_id"] = 7;
    j["bos_token_id"] = nullptr;
  });
  EXPECT_EQ(four.rope_theta, 500000.0);
  EXPECT_EQ(four.source_dtype, "fp16");
  EXPECT_EQ(four.eos_ids, std::vector<std::int32_t>{7});
  EXPECT_EQ(four.bos_id, -1);
  const ModelConfig five = parse_with([](Json&) {});
  EXPECT_EQ(five.rope_theta, 5000.0);
  EXPECT_EQ(five.source_dtype, "bf16");
}

TEST(HfConfig, Qwen2HasBiasesOnTheProjectionsOfAttentionAndNoDefaultIds) {
  const ModelConfig config = parse_with([](Json& j) {
    j["model_type"] = "qwen2", j["architectures"] = {"Qwen2ForCausalLM"};
    j["use_sliding_window"] = false, j["sliding_window"] = 4096, j["layer_types"] = {"full_attention"};
    j.erase("attention_bias"), j.erase("bos_token_id"), j.erase("eos_token_id");
  });
  EXPECT_EQ(config.family, "qwen2");
  EXPECT_TRUE(config.qkv_bias);
  EXPECT_FALSE(config.output_bias);
  EXPECT_FALSE(config.mlp_bias);
  EXPECT_EQ(config.bos_id, -1);
  EXPECT_TRUE(config.eos_ids.empty());
  EXPECT_EQ(code_of([] { parse_with([](Json& j) { j["model_type"] = "qwen2"; }); }), "MD002")
      << "architectures says Llama";
}

TEST(HfConfig, EndIdsOfTheGenerationConfigAreAdded) {
  const Scratch scratch;
  copy_golden("single", scratch);
  write_all(scratch / "generation_config.json", R"({"eos_token_id": [5, 9]})");
  EXPECT_EQ(read_hf_config(scratch.path()).eos_ids, (std::vector<std::int32_t>{2, 5, 9}));
  write_all(scratch / "generation_config.json", R"({"eos_token_id": "x"})");
  EXPECT_EQ(code_of([&] { read_hf_config(scratch.path()); }), "CF004");
}

struct BadConfig {
  std::string key;
  Json value;  // discarded: the key is erased
  std::string code;
};

TEST(HfConfig, EachBadValueIsRefusedWithItsCode) {
  const Json erased(Json::value_t::discarded);
  const Json yarn = {{"rope_type", "yarn"}, {"factor", 4}}, dynamic = {{"type", "dynamic"}, {"factor", 2}};
  const Json partial = {{"rope_type", "default"}, {"partial_rotary_factor", 0.5}};
  const Json gptq = {{"quant_method", "gptq"}, {"bits", 4}},
             bits8 = {{"quant_method", "bitsandbytes"}, {"load_in_8bit", true}};
  const Json fp4 = {{"load_in_4bit", true}, {"bnb_4bit_quant_type", "fp4"}};
  const Json packed = {
      {"load_in_4bit", true}, {"bnb_4bit_quant_type", "nf4"}, {"bnb_4bit_quant_storage", "bfloat16"}};
  const std::vector<BadConfig> list{
      {"model_type", "gpt2", "MD002"},
      {"model_type", erased, "CF002"},
      {"model_type", 3, "CF004"},
      {"architectures", {"LlamaForSequenceClassification"}, "MD002"},
      {"architectures", "LlamaForCausalLM", "CF004"},
      {"hidden_size", erased, "CF002"},
      {"hidden_size", nullptr, "CF002"},
      {"hidden_size", 0, "CF003"},
      {"hidden_size", -32, "CF003"},
      {"hidden_size", 65537, "CF003"},
      {"hidden_size", "32", "CF004"},
      {"hidden_size", 32.5, "CF004"},
      {"hidden_size", 18446744073709551615u, "CF003"},
      {"intermediate_size", 0, "CF003"},
      {"num_hidden_layers", 1025, "CF003"},
      {"num_hidden_layers", true, "CF004"},
      {"num_attention_heads", 0, "CF003"},
      {"num_key_value_heads", 3, "CF003"},
      {"head_dim", 7, "CF003"},
      {"head_dim", 2048, "CF003"},
      {"vocab_size", 1048577, "CF003"},
      {"vocab_size", {}, "CF002"},
      {"max_position_embeddings", 0, "CF003"},
      {"rms_norm_eps", 0, "CF003"},
      {"rms_norm_eps", "1e-5", "CF004"},
      {"rope_theta", 0, "CF003"},
      {"rope_scaling", yarn, "CF005"},
      {"rope_scaling", dynamic, "CF005"},
      {"rope_parameters", partial, "CF005"},
      {"rope_parameters", 1, "CF004"},
      {"use_sliding_window", true, "CF005"},
      {"layer_types", {"full_attention", "sliding_attention"}, "CF005"},
      {"hidden_act", "gelu", "CF005"},
      {"tie_word_embeddings", "yes", "CF004"},
      {"attention_bias", 1, "CF004"},
      {"eos_token_id", "</s>", "CF004"},
      {"eos_token_id", {1, -2}, "CF003"},
      {"bos_token_id", 4294967296, "CF003"},
      {"dtype", "float8_e4m3fn", "CF005"},
      {"quantization_config", gptq, "CF006"},
      {"quantization_config", bits8, "CF006"},
      {"quantization_config", fp4, "CF006"},
      {"quantization_config", packed, "CF006"},
      {"quantization_config", "nf4", "CF004"},
  };
  for (const auto& [key, value, code] : list) {
    const auto call = [&] {
      parse_with([&](Json& j) {
        if (value.is_discarded())
          j.erase(key);
        else
          j[key] = value;
      });
    };
    EXPECT_EQ(code_of(call), code) << key;
  }
  print_bad_inputs("config.json", list.size());
  EXPECT_EQ(code_of([&] { parse_with([](Json& j) { j.erase("head_dim"), j["num_attention_heads"] = 5; }); }),
            "CF003");
  EXPECT_EQ(code_of([&] { parse_hf_config(Json::array(), "config.json"); }), "CF004");
}

TEST(HfConfig, TextThatIsNoJsonIsRefused) {
  const Scratch scratch;
  EXPECT_EQ(code_of([&] { read_hf_config(scratch.path()); }), "FS001");
  for (const std::string& text : {std::string(), std::string("{"), std::string("{\"a\":1,\"a\":2}"),
                                  std::string("{\"a\":\"\xff\"}"), "{\"a\":" + std::string(100, '[')}) {
    write_all(scratch / "config.json", text);
    EXPECT_EQ(code_of([&] { read_hf_config(scratch.path()); }), "CF001") << text;
  }
}

}  // namespace
}  // namespace hone::formats
