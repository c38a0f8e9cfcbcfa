#include "core/formats/decode.h"
#include "core/formats/hf_config.h"
#include "core/formats/hf_writer.h"
#include "tests/formats/support.h"

namespace hone::formats {
namespace {

void copy_weights(const TensorSource& source, const std::string& folder, std::uint64_t shard_bytes) {
  ModelWriter writer(folder, source.tensors(), shard_bytes);
  for (const TensorInfo& info : source.tensors()) writer.write(source.raw(info));
  writer.finish();
}

TEST(ModelWriter, AFolderWrittenInOneFileReadsBack) {
  const Scratch scratch;
  const ModelFiles model = open_model(golden("single"));
  copy_weights(*model.tensors, scratch.path(), ModelWriter::kShardBytes);
  write_config_json(scratch.path(), model.config, "bf16", read_ordered_json(golden("single/config.json")));
  const ModelFiles copy = open_model(scratch.path());
  EXPECT_EQ(hashes_of(*copy.tensors), expected_hashes("single/expected.json"));
  EXPECT_EQ(copy.fingerprint, model.fingerprint);
  EXPECT_FALSE(std::filesystem::exists(scratch / "model.safetensors.index.json"));
}

TEST(ModelWriter, ShardsKeepTheLimitAndTheIndexNamesEveryTensor) {
  const Scratch scratch;
  const ModelFiles model = open_model(golden("single"));
  copy_weights(*model.tensors, scratch.path(), 10'000);
  write_config_json(scratch.path(), model.config, "bf16");
  EXPECT_EQ(hashes_of(*open_model(scratch.path()).tensors), expected_hashes("single/expected.json"));
  const Json index = Json::parse(read_all(scratch / "model.safetensors.index.json"));
  EXPECT_EQ(index["weight_map"].size(), model.tensors->tensors().size());
  std::size_t shards = 0;
  for (const auto& file : std::filesystem::directory_iterator(scratch.path()))
    if (file.path().extension() == ".safetensors") {
      ++shards;
      EXPECT_LT(file.file_size(), 13'000u) << file.path();
    }
  EXPECT_GT(shards, 3u);
  EXPECT_TRUE(
      std::filesystem::exists(scratch / "model-00001-of-0000" + std::to_string(shards) + ".safetensors"));
}

TEST(ModelWriter, PiecesMayCrossTensorsAndShards) {
  const Scratch scratch;
  const std::vector<float> values{1, 2, 3, 4, 5, 6, 7};
  ModelWriter writer(scratch.path(),
                     {{"a", DType::f32, {3}}, {"b", DType::f32, {2, 2}}, {"z", DType::f32, {0}}}, 16);
  writer.write(std::as_bytes(std::span(values)));
  writer.finish();
  const SafetensorsFile second(scratch / "model-00002-of-00002.safetensors");
  EXPECT_EQ(second.find("b")->bytes.size(), 16u);
  EXPECT_EQ(second.find("z")->bytes.size(), 0u);
}

TEST(ModelWriter, MissingBytesAreOurBugAndLeaveNoFile) {
  const Scratch scratch;
  {
    ModelWriter writer(scratch.path(), {{"a", DType::f32, {3}}});
    EXPECT_EQ(code_of([&] { writer.finish(); }, Exit::internal), "IN000");
  }
  EXPECT_TRUE(std::filesystem::is_empty(scratch.path()));
}

TEST(ConfigWriter, AFreshConfigurationReadsBackTheSame) {
  const Scratch scratch;
  const ModelConfig gguf = read_model_config(golden("every_type.gguf"));
  write_config_json(scratch.path(), gguf, "fp32");
  write_generation_config_json(scratch.path(), gguf);
  const ModelConfig copy = read_model_config(scratch.path());
  EXPECT_EQ(copy.hidden_size, gguf.hidden_size);
  EXPECT_EQ(copy.num_kv_heads, gguf.num_kv_heads);
  EXPECT_EQ(copy.head_dim, gguf.head_dim);
  EXPECT_EQ(copy.rms_eps, gguf.rms_eps);
  EXPECT_EQ(copy.rope_theta, gguf.rope_theta);
  EXPECT_EQ(copy.eos_ids, gguf.eos_ids);
  EXPECT_EQ(copy.bos_id, gguf.bos_id);
  EXPECT_EQ(copy.tie_embeddings, gguf.tie_embeddings);
  EXPECT_EQ(copy.source_dtype, "fp32");
}

TEST(ConfigWriter, OtherKeysOfTheOriginalAreKeptInTheirOrder) {
  const Scratch scratch;
  const auto original = read_ordered_json(golden("nf4/config.json"));
  ASSERT_TRUE(original.has_value());
  const ModelConfig config = read_model_config(golden("nf4"));
  write_config_json(scratch.path(), config, "fp16", original);
  const auto written = read_ordered_json(scratch / "config.json");
  OrderedJson expected = *original;
  expected.erase("quantization_config");
  expected["dtype"] = "float16";
  EXPECT_EQ(written->dump(), expected.dump());
  write_config_json(scratch.path(), config, "bf16", original, nf4_quantization_config(true, "bf16"));
  EXPECT_EQ(read_ordered_json(scratch / "config.json")->at("quantization_config")["bnb_4bit_compute_dtype"],
            "bfloat16");
  EXPECT_EQ(read_model_config(scratch.path()).source_dtype, "bf16");
}

TEST(ConfigWriter, AnOriginalGenerationConfigurationIsKept) {
  const Scratch scratch;
  const auto original = read_ordered_json(golden("single/generation_config.json"));
  write_generation_config_json(scratch.path(), {}, original);
  EXPECT_EQ(read_ordered_json(scratch / "generation_config.json")->dump(), original->dump());
  EXPECT_FALSE(read_ordered_json(scratch / "nowhere.json").has_value());
}

TEST(Decode, EncodeIsItsInverseForTheFloatTypes) {
  const std::vector<float> values{0, -0.5f, 1.25f, 1024, -3};
  for (const char* name : {"fp32", "bf16", "fp16"}) {
    const DType dtype = float_dtype(name);
    EXPECT_EQ(float_dtype_name(dtype), name);
    std::vector<std::byte> bytes(static_cast<std::size_t>(byte_size(dtype, 5)));
    std::vector<float> back(5);
    encode(dtype, values.data(), 5, bytes.data());
    decode(dtype, bytes.data(), 5, back.data());
    EXPECT_EQ(back, values);
  }
}

}  // namespace
}  // namespace hone::formats
