#include "core/formats/rope_scaling.h"

#include <cmath>

#include "core/formats/hf_config.h"
#include "core/formats/hf_writer.h"
#include "core/formats/safetensors.h"
#include "tests/formats/support.h"

namespace hone::formats {
namespace {

const RopeScaling kLlama31{RopeScaling::Kind::llama3, 8, 1, 4, 8192};

std::vector<float> frequencies(const std::string& name) {
  const SafetensorsFile file(std::string(HONE_GOLDEN_DIR) + "/core/rope_scaling.safetensors");
  const auto bytes = file.find(name)->bytes;
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

void expect_frequencies(const RopeScaling& scaling, double theta, const std::string& name) {
  const std::vector<float> expected = frequencies(name);
  const auto head_dim = static_cast<std::int64_t>(2 * expected.size());
  const std::vector<double> divisors = rope_divisors(scaling, head_dim, theta);
  ASSERT_EQ(divisors.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double frequency = std::pow(theta, -2.0 * static_cast<double>(i) / static_cast<double>(head_dim));
    EXPECT_NEAR(frequency / divisors[i] / expected[i], 1, 2e-6) << name << " " << i;
  }
}

TEST(RopeScaling, FrequenciesEqualTransformers) {
  RopeScaling llama32 = kLlama31;
  llama32.factor = 32;
  expect_frequencies(kLlama31, 500000, "llama31");
  expect_frequencies(llama32, 500000, "llama32");
  expect_frequencies({RopeScaling::Kind::linear, 4}, 10000, "linear");
  EXPECT_TRUE(rope_divisors({}, 128, 500000).empty());
}

TEST(RopeScaling, Llama3IsRecognisedByTheDivisorsThatGgufKeeps) {
  std::vector<float> divisors = frequencies("llama31.divisors");
  const auto found = llama3_scaling_of(divisors, 500000);
  ASSERT_TRUE(found);
  EXPECT_NEAR(found->factor, 8, 1e-3);
  EXPECT_EQ(found->original_positions, 8192);
  divisors[40] *= 1.01f;
  EXPECT_FALSE(llama3_scaling_of(divisors, 500000));
  EXPECT_FALSE(llama3_scaling_of(std::vector<float>(64, NAN), 500000));
}

TEST(RopeScaling, WhatIsWrittenIntoAConfigReadsBack) {
  const Scratch scratch;
  ModelConfig config = read_hf_config(golden("single"));
  for (const RopeScaling& scaling : {RopeScaling{}, RopeScaling{RopeScaling::Kind::linear, 2.5}, kLlama31}) {
    config.rope_scaling = scaling;
    write_config_json(scratch.path(), config, "fp32");
    const RopeScaling read = read_hf_config(scratch.path()).rope_scaling;
    EXPECT_EQ(read.kind, scaling.kind);
    EXPECT_EQ(rope_divisors(read, 64, 1e4), rope_divisors(scaling, 64, 1e4));
  }
}

TEST(RopeScaling, EachBadValueIsRefusedWithItsCode) {
  const Json good = {{"rope_type", "llama3"},
                     {"factor", 8.0},
                     {"low_freq_factor", 1.0},
                     {"high_freq_factor", 4.0},
                     {"original_max_position_embeddings", 8192}};
  const std::vector<std::tuple<const char*, Json, std::string>> list{
      {"rope_type", "yarn", "CF005"},
      {"rope_type", "dynamic", "CF005"},
      {"rope_type", "longrope", "CF005"},
      {"rope_type", 3, "CF004"},
      {"factor", nullptr, "CF002"},
      {"factor", 0.5, "CF003"},
      {"factor", "8", "CF004"},
      {"low_freq_factor", nullptr, "CF002"},
      {"low_freq_factor", 4.0, "CF003"},
      {"high_freq_factor", nullptr, "CF002"},
      {"high_freq_factor", -1, "CF003"},
      {"original_max_position_embeddings", nullptr, "CF002"},
      {"original_max_position_embeddings", 0, "CF003"}};
  Json config = Json::parse(read_all(golden("single/config.json")));
  config["rope_parameters"] = good;
  EXPECT_EQ(parse_hf_config(config, "config.json").rope_scaling.kind, RopeScaling::Kind::llama3);
  for (const auto& [key, value, code] : list) {
    config["rope_parameters"] = good;
    config["rope_parameters"][key] = value;
    EXPECT_EQ(code_of([&] { parse_hf_config(config, "config.json"); }), code) << key << " " << value;
  }
}

}  // namespace
}  // namespace hone::formats
