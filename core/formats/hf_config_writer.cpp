#include "core/base/error.h"
#include "core/base/file_system.h"
#include "core/formats/hf_config.h"
#include "core/formats/hf_writer.h"

namespace hone::formats {
namespace {

std::string torch_name(std::string_view dtype) {
  if (dtype == "bf16") return "bfloat16";
  if (dtype == "fp16") return "float16";
  HONE_CHECK(dtype == "fp32");
  return "float32";
}

OrderedJson token_ids(const std::vector<std::int32_t>& ids) {
  if (ids.empty()) return nullptr;
  if (ids.size() == 1) return ids[0];
  return ids;
}

OrderedJson bos(const ModelConfig& config) {
  return config.bos_id < 0 ? OrderedJson(nullptr) : OrderedJson(config.bos_id);
}

OrderedJson fresh_config(const ModelConfig& config) {
  OrderedJson json;
  json["architectures"] = {architecture_of(config.family)};
  json["model_type"] = config.family;
  json["hidden_size"] = config.hidden_size;
  json["intermediate_size"] = config.intermediate_size;
  json["num_hidden_layers"] = config.num_layers;
  json["num_attention_heads"] = config.num_heads;
  json["num_key_value_heads"] = config.num_kv_heads;
  json["head_dim"] = config.head_dim;
  json["hidden_act"] = "silu";
  json["vocab_size"] = config.vocab_size;
  json["max_position_embeddings"] = config.max_positions;
  json["rms_norm_eps"] = config.rms_eps;
  json["rope_theta"] = config.rope_theta;
  json["rope_scaling"] = rope_scaling_json(config.rope_scaling);
  json["tie_word_embeddings"] = config.tie_embeddings;
  if (config.family == "llama") {
    json["attention_bias"] = config.output_bias;
    json["mlp_bias"] = config.mlp_bias;
  }
  json["bos_token_id"] = bos(config);
  json["eos_token_id"] = token_ids(config.eos_ids);
  return json;
}

void write_json(const std::string& path, const OrderedJson& json) {
  write_file_atomic(path, std::string_view(json.dump(2) + "\n"));
}

}  // namespace

void write_config_json(const std::string& folder, const ModelConfig& config, std::string_view dtype,
                       const std::optional<OrderedJson>& original,
                       const std::optional<OrderedJson>& quantization) {
  OrderedJson json = original ? *original : fresh_config(config);
  json["vocab_size"] = config.vocab_size;
  const bool stated_tied = json.contains("tie_word_embeddings") && json["tie_word_embeddings"] == true;
  if (stated_tied != config.tie_embeddings) json["tie_word_embeddings"] = config.tie_embeddings;
  // transformers 5 writes "dtype", 4 "torch_dtype"; both read either.
  json[json.contains("dtype") ? "dtype" : "torch_dtype"] = torch_name(dtype);
  json.erase("quantization_config");
  if (quantization) json["quantization_config"] = *quantization;
  write_json(folder + "/config.json", json);
}

OrderedJson nf4_quantization_config(bool double_quant, std::string_view compute) {
  OrderedJson json;
  json["quant_method"] = "bitsandbytes";
  json["load_in_4bit"] = true;
  json["load_in_8bit"] = false;
  json["bnb_4bit_quant_type"] = "nf4";
  json["bnb_4bit_use_double_quant"] = double_quant;
  json["bnb_4bit_compute_dtype"] = torch_name(compute);
  json["bnb_4bit_quant_storage"] = "uint8";
  return json;
}

void write_generation_config_json(const std::string& folder, const ModelConfig& config,
                                  const std::optional<OrderedJson>& original) {
  OrderedJson json = original.value_or(OrderedJson::object());
  if (!original) {
    json["bos_token_id"] = bos(config);
    json["eos_token_id"] = token_ids(config.eos_ids);
  }
  write_json(folder + "/generation_config.json", json);
}

}  // namespace hone::formats
