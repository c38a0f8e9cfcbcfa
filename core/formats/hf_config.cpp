#include "core/formats/hf_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "core/base/error.h"
#include "core/base/file_system.h"
#include "core/formats/json_fields.h"
#include "core/formats/model_limits.h"

namespace hone::formats {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 2> kFamilies{
    {{"llama", "LlamaForCausalLM"}, {"qwen2", "Qwen2ForCausalLM"}}};

[[noreturn]] void refuse_architecture(const std::string& where, const std::string& name) {
  std::string known;
  for (const auto& [family, architecture] : kFamilies)
    known += fmt::format("{}{} ({})", known.empty() ? "" : ", ", architecture, family);
  throw Error(Exit::input, "MD002", "architecture not supported", where, name, "known: " + known);
}

std::string read_family(const JsonFields& fields) {
  const std::string family = fields.need_string("model_type");
  const std::string_view architecture = architecture_of(family);
  if (architecture.empty()) refuse_architecture(fields.where(), family);
  const Json* names = fields.find("architectures");
  if (!names) return family;
  if (!names->is_array())
    fields.refuse("004", "value of another type", "architectures", "a list was expected");
  for (const Json& name : *names)
    if (!name.is_string() || name.get_ref<const std::string&>() != architecture)
      refuse_architecture(fields.where(), name.dump());
  return family;
}

// Base and scaling of the rotary angles: transformers 4 keeps the base at the top, transformers 5 in
// rope_parameters.
void read_rope(const JsonFields& fields, ModelConfig& config) {
  config.rope_theta = fields.number("rope_theta", kMinTheta, kMaxTheta).value_or(10000.0);
  for (const char* key : {"rope_scaling", "rope_parameters"}) {
    const Json* object = fields.find(key);
    if (!object) continue;
    const JsonFields rope(*object, "CF", fields.where() + ": " + key);
    config.rope_scaling = read_rope_scaling(rope);
    config.rope_theta = rope.number("rope_theta", kMinTheta, kMaxTheta).value_or(config.rope_theta);
    if (rope.number("partial_rotary_factor", 0, 1).value_or(1) != 1)
      rope.refuse("005", "not supported", "partial_rotary_factor",
                  "rotary positions must cover the whole head");
  }
}

void refuse_windows(const JsonFields& fields) {
  if (fields.boolean("use_sliding_window").value_or(false))
    fields.refuse("005", "not supported", "use_sliding_window", "attention must reach every earlier token");
  const Json* kinds = fields.find("layer_types");
  if (kinds &&
      !std::all_of(kinds->begin(), kinds->end(), [](const Json& kind) { return kind == "full_attention"; }))
    fields.refuse("005", "not supported", "layer_types", "every layer must be full_attention");
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
  // A key that is absent has the default of LlamaConfig, or of Qwen2Config, which has none; a null means that
  // there is none. Some write -1 for none.
  const bool defaults = config.family == "llama";
  if (defaults && !json.contains("bos_token_id")) config.bos_id = 1;
  if (const auto bos = fields.integer("bos_token_id", -1, kMaxTokenId))
    config.bos_id = static_cast<std::int32_t>(*bos);
  if (const auto pad = fields.integer("pad_token_id", -1, kMaxTokenId))
    config.pad_id = static_cast<std::int32_t>(*pad);
  if (defaults && !json.contains("eos_token_id")) config.eos_ids = {2};
  for (const std::int64_t id :
       fields.integers("eos_token_id", -1, kMaxTokenId).value_or(std::vector<std::int64_t>{}))
    if (id >= 0) config.eos_ids.push_back(static_cast<std::int32_t>(id));
}

// Qwen2's are part of the architecture: no key states them.
void read_biases(const JsonFields& fields, ModelConfig& config) {
  if (config.family == "qwen2") {
    config.qkv_bias = true;
    return;
  }
  config.qkv_bias = config.output_bias = fields.boolean("attention_bias").value_or(false);
  config.mlp_bias = fields.boolean("mlp_bias").value_or(false);
}

}  // namespace

ModelConfig parse_hf_config(const Json& json, const std::string& where) {
  const JsonFields fields(json, "CF", where);
  ModelConfig config;
  config.family = read_family(fields);
  check_quantization(fields);
  refuse_windows(fields);
  config.hidden_size = fields.need_integer("hidden_size", 1, kMaxHidden);
  config.intermediate_size = fields.need_integer("intermediate_size", 1, kMaxIntermediate);
  config.num_layers = fields.need_integer("num_hidden_layers", 1, kMaxLayers);
  config.vocab_size = fields.need_integer("vocab_size", 1, kMaxVocab);
  config.max_positions = fields.integer("max_position_embeddings", 1, kMaxPositions).value_or(2048);
  read_heads(fields, config);
  config.rms_eps = fields.number("rms_norm_eps", kMinEps, kMaxEps).value_or(1e-6);
  read_rope(fields, config);
  if (const auto act = fields.string("hidden_act").value_or("silu"); act != "silu")
    fields.refuse("005", "activation not supported", "hidden_act", act, "only silu");
  config.tie_embeddings = fields.boolean("tie_word_embeddings").value_or(false);
  if (const double range = fields.number("initializer_range", 0, 1e3).value_or(0); range > 0)
    config.initializer_range = range;
  read_biases(fields, config);
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

std::string_view architecture_of(std::string_view family) {
  const auto known = std::find_if(kFamilies.begin(), kFamilies.end(),
                                  [&](const auto& entry) { return entry.first == family; });
  return known == kFamilies.end() ? std::string_view() : known->second;
}

std::optional<OrderedJson> read_ordered_json(const std::string& path) {
  if (!path_exists(path)) return std::nullopt;
  parse_json_file(path, "CF001");  // the checks; the parse below only keeps the order
  return OrderedJson::parse(read_text_file(path));
}

}  // namespace hone::formats
