#include "core/formats/gguf.h"

#include "core/formats/gguf_model.h"
#include "tests/formats/support.h"

namespace hone::formats {
namespace {

TEST(Gguf, EveryTensorTypeDecodesAsTheGgufPackageDoesUnderHuggingFaceNames) {
  const ModelFiles model = open_model(golden("every_type.gguf"));
  EXPECT_EQ(hashes_of(*model.tensors), expected_hashes("every_type.gguf.json"));
}

TEST(Gguf, MetadataBecomesTheConfiguration) {
  const ModelConfig config = read_model_config(golden("every_type.gguf"));
  EXPECT_EQ(config.hidden_size, 32);
  EXPECT_EQ(config.intermediate_size, 64);
  EXPECT_EQ(config.num_layers, 2);
  EXPECT_EQ(config.num_heads, 4);
  EXPECT_EQ(config.num_kv_heads, 2);
  EXPECT_EQ(config.head_dim, 8);
  EXPECT_EQ(config.vocab_size, 48);
  EXPECT_EQ(config.max_positions, 128);
  EXPECT_FLOAT_EQ(static_cast<float>(config.rms_eps), 1e-6f);
  EXPECT_EQ(config.rope_theta, 5000.0);
  EXPECT_EQ(config.bos_id, 1);
  EXPECT_EQ(config.eos_ids, (std::vector<std::int32_t>{2, 5}));
  EXPECT_EQ(config.source_dtype, "fp16");
  EXPECT_FALSE(config.tie_embeddings);
}

TEST(Gguf, EveryKindOfValueReads) {
  const GgufFile file(golden("every_type.gguf"));
  EXPECT_EQ(file.integer("test.uint8"), 200);
  EXPECT_EQ(file.integer("test.int8"), -100);
  EXPECT_EQ(file.integer("test.uint16"), 60000);
  EXPECT_EQ(file.integer("test.int16"), -30000);
  EXPECT_EQ(file.integer("test.uint32"), 4000000000);
  EXPECT_EQ(file.integer("test.int32"), -2000000000);
  EXPECT_EQ(file.integer("test.int64"), -(std::int64_t{1} << 62));
  EXPECT_EQ(file.integer("test.bool"), 1);
  EXPECT_EQ(file.number("test.float32"), static_cast<double>(0.1f));
  EXPECT_EQ(file.number("test.float64"), 0.1);
  EXPECT_EQ(file.number("test.int8"), -100.0);
  EXPECT_EQ(file.string("test.string"), "h\u00e9llo");
  EXPECT_EQ(file.strings("tokenizer.ggml.tokens"), (std::vector<std::string>{"a", "\u00e9", "", "<s>"}));
  EXPECT_EQ(file.numbers("tokenizer.ggml.scores"), (std::vector<double>{0.5, -1, 2, 0}));
  EXPECT_EQ(file.integers("tokenizer.ggml.token_type"), (std::vector<std::int64_t>{1, 1, 1, 3}));
  EXPECT_TRUE(file.is_array("tokenizer.ggml.tokens"));
  EXPECT_FALSE(file.is_array("test.string"));
  EXPECT_EQ(file.version(), 3u);
}

TEST(Gguf, AnAbsentKeyIsNothingAndAnotherTypeAnError) {
  const GgufFile file(golden("every_type.gguf"));
  EXPECT_FALSE(file.string("nowhere").has_value());
  EXPECT_FALSE(file.integers("nowhere").has_value());
  for (const auto& call : std::vector<std::function<void()>>{
           [&] { file.string("test.uint8"); }, [&] { file.integer("test.string"); },
           [&] { file.integer("test.float32"); }, [&] { file.integer("test.uint64"); },
           [&] { file.integer("tokenizer.ggml.token_type"); }, [&] { file.number("test.bool"); },
           [&] { file.strings("test.string"); }, [&] { file.strings("tokenizer.ggml.scores"); },
           [&] { file.integers("tokenizer.ggml.scores"); }, [&] { file.integers("tokenizer.ggml.tokens"); },
           [&] { file.numbers("tokenizer.ggml.tokens"); }})
    EXPECT_EQ(code_of(call), "GG008");
}

TEST(Gguf, VersionTwoReadsLikeVersionThree) {
  std::string bytes = read_all(golden("every_type.gguf"));
  bytes[4] = 2;
  MemoryFile file;
  file.set(bytes);
  EXPECT_EQ(GgufFile(file.path()).version(), 2u);
  EXPECT_EQ(hashes_of(*open_model(file.path()).tensors), expected_hashes("every_type.gguf.json"));
}

TEST(Gguf, PermutedRowsComeInRangesToo) {
  const ModelFiles model = open_model(golden("every_type.gguf"));
  const TensorInfo& q = *model.tensors->find("model.layers.0.self_attn.q_proj.weight");
  const std::vector<float> whole = read_whole(*model.tensors, q);
  std::vector<float> part(7 * 32);
  model.tensors->read_rows(q, 3, 10, part.data());
  EXPECT_EQ(part, std::vector<float>(whole.begin() + 3 * 32, whole.begin() + 10 * 32));
  EXPECT_TRUE(model.tensors->raw(q).empty()) << "its stored rows are in another order";
  EXPECT_EQ(model.tensors->raw(*model.tensors->find("model.norm.weight")).size(), 32u * 4);
  EXPECT_FALSE(model.tensors->nf4(q).has_value());
}

TEST(Gguf, NamesOfTheArchitectureAreTranslatedAndOthersAreNot) {
  EXPECT_EQ(hf_name_of("blk.12.ffn_gate.weight"), "model.layers.12.mlp.gate_proj.weight");
  EXPECT_EQ(hf_name_of("blk.0.attn_k.bias"), "model.layers.0.self_attn.k_proj.bias");
  EXPECT_EQ(hf_name_of("output.weight"), "lm_head.weight");
  for (const char* name :
       {"rope_freqs.weight", "blk.x.attn_q.weight", "blk.01.attn_q.weight", "blk..attn_q.weight",
        "blk.99999999999.attn_q.weight", "blk.1attn_q.weight", "blk.1.attn_q", "blk.1.", "", "."})
    EXPECT_FALSE(hf_name_of(name).has_value()) << name;
}

}  // namespace
}  // namespace hone::formats
