#pragma once
// Architecture of a model as its folder states it (config.json or GGUF metadata), validated against sane ranges.
#include <cstdint>
#include <string>
#include <vector>

#include "core/formats/rope_scaling.h"

namespace hone::formats {

struct ModelConfig {
  std::string family = "llama";  // key of the model registry
  std::int64_t hidden_size = 0;
  std::int64_t intermediate_size = 0;
  std::int64_t num_layers = 0;
  std::int64_t num_heads = 0;
  std::int64_t num_kv_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t vocab_size = 0;
  std::int64_t max_positions = 0;
  double rms_eps = 1e-5;
  double rope_theta = 10000.0;
  RopeScaling rope_scaling;
  bool tie_embeddings = false;
  bool qkv_bias = false;     // biases on q, k, v
  bool output_bias = false;  // bias on o
  bool mlp_bias = false;
  double initializer_range = 0.02;  // of a model without weights
  std::int32_t bos_id = -1;
  std::int32_t pad_id = -1;
  std::vector<std::int32_t> eos_ids;  // a generation stops at any of them
  std::string source_dtype = "fp32";  // type the weights are stored in (for exports)
};

}  // namespace hone::formats
