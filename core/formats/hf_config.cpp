#include "core/formats/hf_config.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/error.h"
#include "core/base/file_system.h"
#include "core/formats/json_fields.h"
#include "core/formats/model_limits.h"

namespace hone::formats {
namespace {

[[noreturn]] void refuse_architecture(const std::string& where, const std::string& name) {
  throw Error(Exit::input, "MD002", "architecture not supported", where, name,
              "known: LlamaForCausalLM (llama)");
}

void check_architecture(const JsonFields& fields) {
  if (const std::string type = fields.need_string("model_type"); type != "llama")
    refuse_architecture(fields.where(), type);
  const Json* names = fields.find("architectures");
  if (!names) return;
  if (!names->is_array())
    fields.refuse("004", "value of another type", "architectures", "a list was expected");
  for (const Json& name : *names)
    if (!name.is_string() || name.get_ref<const std::string&>() != "LlamaForCausalLM")
      refuse_architecture(fields.where(), name.dump());
}

void check_rope_kind(const JsonFields& rope) {
  for (const char* key : {"rope_type", "type"})
    if (const auto kind = rope.string(key); kind && *kind != "default")
      rope.refuse("005", "RoPE scaling is not supported", key, *kind, "only unscaled rotary positions");
  if (rope.number("partial_rotary_factor", 0, 1).value_or(1) != 1)
    rope.refuse("005", "not supported", "partial_rotary_factor",
                "rotary positions must cover the whole head");
}

// The base of the rotary angles: transformers 4 keeps it at the top, transformers 5 in rope_parameters.
double read_rope_theta(const JsonFields& fields) {
  double theta = fields.number("rope_theta", kMinTheta, kMaxTheta).value_or(10000.0);
  for (const char* key : {"rope_scaling", "rope_parameters"}) {
    const Json* object = fields.find(key);
    if (!object) continue;
    const JsonFields rope(*object, "CF", fields.where() + ": " + key);
    check_rope_kind(rope);
    theta = rope.number("rope_theta", kMinTheta, kMaxTheta).value_or(theta);
  }
  return theta;
}

void read_heads(const JsonFields& fields, ModelConfig& config) {
  config.num_heads = fields.need_integer("num_attention_heads", 1, kMaxHeads);
  config.num_kv_heads = fields.integer("num_key_value_heads", 1, kMaxHeads).value_or(config.num_heads);
  if (config.num_heads % config.num_kv_heads != 0)
    fields.refuse("003", "value out of range", "num_key_value_heads",
                  fmt::format("{} does not divide {} heads", config.num_kv_heads, config.num_heads));
  const auto head_dim = fields.integer("head_dim", 1, kMaxHeadDim);
  if (!head_dim && config.hidden_size % config.num_heads != 0)
    fields.refuse(
        "003", "value out of range", "num_attention_heads",
        fmt::format("{} does not divide a hidden size of {}", config.num_heads, config.hidden_size));
  config.head_dim = head_dim.value_or(config.hidden_size / config.num_heads);
  if (config.head_dim % 2 != 0 || config.head_dim > kMaxHeadDim)
    fields.refuse("003", "value out of range", "head_dim",
                  fmt::format("{} is not an even number up to {}", config.head_dim, kMaxHeadDim));
}

void check_quantization(const JsonFields& fields) {
  const Json* object = fields.find("quantization_config");
  if (!object) return;
  const JsonFields quant(*object, "CF", fields.where() + ": quantization_config");
  const auto unsupported = [&](const std::string& key, const std::string& why) {
    quant.refuse("006", "quantisation not supported", key, why, "only bitsandbytes nf4");
  };
  const bool four_bit = quant.boolean("load_in_4bit").value_or(false);
  const std::string method = quant.string("quant_method").value_or(four_bit ? "bitsandbytes" : "none stated");
  if (method != "bitsandbytes") unsupported("quant_method", method);
  if (!four_bit) unsupported("load_in_4bit", "false");
  if (const auto type = quant.string("bnb_4bit_quant_type").value_or("fp4"); type != "nf4")
    unsupported("bnb_4bit_quant_type", type);
  if (const auto storage = quant.string("bnb_4bit_quant_storage").value_or("uint8"); storage != "uint8")
    unsupported("bnb_4bit_quant_storage", storage);
}

std::string read_dtype(const JsonFields& fields) {
  const auto name = fields.find("dtype") ? fields.string("dtype") : fields.string("torch_dtype");
  if (!name || *name == "float32" || *name == "auto") return "fp32";
  if (*name == "bfloat16") return "bf16";
  if (*name == "float16") return "fp16";
  fields.refuse("005", "dtype not supported", "dtype", *name, "float32, float16 or bfloat16");
}

void read_special_ids(const Json& json, const JsonFields& fields, ModelConfig& config) {
  // A key that is absent has LlamaConfig's default; a null means that there is none. Some write -1 for none.
  if (!json.contains("bos_token_id")) config.bos_id = 1;
  if (const auto bos = fields.integer("bos_token_id", -1, kMaxTokenId))
    config.bos_id = static_cast<std::int32_t>(*bos);
  if (const auto pad = fields.integer("pad_token_id", -1, kMaxTokenId))
    config.pad_id = static_cast<std::int32_t>(*pad);
  if (!json.contains("eos_token_id")) config.eos_ids = {2};
  for (const std::int64_t id :
       fields.integers("eos_token_id", -1, kMaxTokenId).value_or(std::vector<std::int64_t>{}))
    if (id >= 0) config.eos_ids.push_back(static_cast<std::int32_t>(id));
}

}  // namespace

ModelConfig parse_hf_config(const Json& json, const std::string& where) {
  const JsonFields fields(json, "CF", where);
  check_architecture(fields);
  check_quantization(fields);
  ModelConfig config;
  config.hidden_size = fields.need_integer("hidden_size", 1, kMaxHidden);
  config.intermediate_size = fields.need_integer("intermediate_size", 1, kMaxIntermediate);
  config.num_layers = fields.need_integer("num_hidden_layers", 1, kMaxLayers);
  config.vocab_size = fields.need_integer("vocab_size", 1, kMaxVocab);
  config.max_positions = fields.integer("max_position_embeddings", 1, kMaxPositions).value_or(2048);
  read_heads(fields, config);
  config.rms_eps = fields.number("rms_norm_eps", kMinEps, kMaxEps).value_or(1e-6);
  config.rope_theta = read_rope_theta(fields);
  if (const auto act = fields.string("hidden_act").value_or("silu"); act != "silu")
    fields.refuse("005", "activation not supported", "hidden_act", act, "only silu");
  config.tie_embeddings = fields.boolean("tie_word_embeddings").value_or(false);
  config.attention_bias = fields.boolean("attention_bias").value_or(false);
  config.mlp_bias = fields.boolean("mlp_bias").value_or(false);
  if (const double range = fields.number("initializer_range", 0, 1e3).value_or(0); range > 0)
    config.initializer_range = range;
  read_special_ids(json, fields, config);
  config.source_dtype = read_dtype(fields);
  return config;
}

ModelConfig read_hf_config(const std::string& folder) {
  const std::string path = folder + "/config.json";
  ModelConfig config = parse_hf_config(parse_json_file(path, "CF001"), path);
  const std::string generation = folder + "/generation_config.json";
  if (!path_exists(generation)) return config;
  const Json json = parse_json_file(generation, "CF001");
  const JsonFields fields(json, "CF", generation);
  for (const std::int64_t id :
       fields.integers("eos_token_id", -1, kMaxTokenId).value_or(std::vector<std::int64_t>{})) {
    const auto narrow = static_cast<std::int32_t>(id);
    if (id >= 0 && std::find(config.eos_ids.begin(), config.eos_ids.end(), narrow) == config.eos_ids.end())
      config.eos_ids.push_back(narrow);
  }
  return config;
}

std::optional<OrderedJson> read_ordered_json(const std::string& path) {
  if (!path_exists(path)) return std::nullopt;
  parse_json_file(path, "CF001");  // the checks; the parse below only keeps the order
  return OrderedJson::parse(read_text_file(path));
}

}  // namespace hone::formats
