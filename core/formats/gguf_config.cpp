#include <fmt/format.h>

#include <algorithm>

#include "core/base/error.h"
#include "core/formats/decode.h"
#include "core/formats/gguf_model.h"
#include "core/formats/hf_config.h"
#include "core/formats/model_limits.h"

namespace hone::formats {
namespace {

// The keys "<architecture>.<name>" of a file, checked against ranges.
class Metadata {
 public:
  Metadata(const GgufFile& file, std::string prefix) : file_(file), prefix_(std::move(prefix)) {}

  std::optional<std::int64_t> integer(const std::string& name, std::int64_t min, std::int64_t max) const {
    const auto value = file_.integer(prefix_ + name);
    if (value && (*value < min || *value > max))
      refuse("MD005", "value out of range", name, fmt::format("{} is not in {} to {}", *value, min, max));
    return value;
  }
  std::int64_t need_integer(const std::string& name, std::int64_t min, std::int64_t max) const {
    const auto value = integer(name, min, max);
    if (!value) refuse("MD005", "key missing", name, "it is needed");
    return *value;
  }
  std::optional<double> number(const std::string& name, double min, double max) const {
    const auto value = file_.number(prefix_ + name);
    if (value && !(*value >= min && *value <= max))
      refuse("MD005", "value out of range", name, fmt::format("{} is not in {} to {}", *value, min, max));
    return value;
  }
  std::optional<std::string> string(const std::string& name) const { return file_.string(prefix_ + name); }
  [[noreturn]] void refuse(std::string_view code, std::string_view what, const std::string& name,
                           const std::string& why) const {
    throw Error(Exit::input, code, what, file_.path() + ": " + prefix_ + name, why);
  }

 private:
  const GgufFile& file_;
  std::string prefix_;
};

void read_heads(const Metadata& model, ModelConfig& config) {
  config.num_heads = model.need_integer("attention.head_count", 1, kMaxHeads);
  config.num_kv_heads = model.integer("attention.head_count_kv", 1, kMaxHeads).value_or(config.num_heads);
  if (config.num_heads % config.num_kv_heads != 0)
    model.refuse("MD005", "value out of range", "attention.head_count_kv",
                 "it does not divide attention.head_count");
  const auto key_length = model.integer("attention.key_length", 2, kMaxHeadDim);
  if (!key_length && config.hidden_size % config.num_heads != 0)
    model.refuse("MD005", "value out of range", "attention.head_count",
                 "it does not divide embedding_length");
  config.head_dim = key_length.value_or(config.hidden_size / config.num_heads);
  if (config.head_dim % 2 != 0 || config.head_dim > kMaxHeadDim)
    model.refuse("MD005", "value out of range", "attention.head_count",
                 "the size of a head is odd or too large");
  if (model.integer("attention.value_length", 1, kMaxHeadDim).value_or(config.head_dim) != config.head_dim)
    model.refuse("MD006", "not supported", "attention.value_length", "it differs from the key length");
  if (model.integer("rope.dimension_count", 1, kMaxHeadDim).value_or(config.head_dim) != config.head_dim)
    model.refuse("MD006", "not supported", "rope.dimension_count",
                 "rotary positions must cover the whole head");
}

void read_special_ids(const GgufFile& file, ModelConfig& config) {
  const Metadata tokens(file, "tokenizer.ggml.");
  config.bos_id = static_cast<std::int32_t>(tokens.integer("bos_token_id", 0, kMaxTokenId).value_or(-1));
  for (const char* name : {"eos_token_id", "eot_token_id", "eom_token_id"}) {
    const auto id = tokens.integer(name, 0, kMaxTokenId);
    if (!id) continue;
    const auto narrow = static_cast<std::int32_t>(*id);
    if (std::find(config.eos_ids.begin(), config.eos_ids.end(), narrow) == config.eos_ids.end())
      config.eos_ids.push_back(narrow);
  }
}

// The embedding table says what the vocabulary is and what the weights are stored in.
void read_embedding(const GgufFile& file, ModelConfig& config) {
  const GgufTensor* table = file.find("token_embd.weight");
  if (!table || table->shape.size() != 2 || table->shape[0] > kMaxVocab)
    throw Error(Exit::input, "MD001", "tensor missing", file.path() + ": token_embd.weight",
                "no embedding table of at most " + std::to_string(kMaxVocab) + " rows");
  config.vocab_size = table->shape[0];
  if (table->dtype == DType::f16) config.source_dtype = "fp16";
  if (table->dtype == DType::bf16) config.source_dtype = "bf16";
}

RopeScaling read_llama3(const GgufFile& file, const GgufTensor& divisors, const ModelConfig& config) {
  const std::int64_t count = config.head_dim / 2;
  std::optional<RopeScaling> scaling;
  if (divisors.dtype == DType::f32 && divisors.shape == std::vector{count}) {
    std::vector<float> values(static_cast<std::size_t>(count));
    decode(DType::f32, divisors.bytes.data(), count, values.data());
    scaling = llama3_scaling_of(values, config.rope_theta);
  }
  if (scaling) return *scaling;
  throw Error(Exit::input, "MD006", "RoPE scaling is not supported", file.path() + ": " + divisors.name,
              "these are not the frequencies of Llama 3.1 and its successors");
}

RopeScaling read_scaling(const GgufFile& file, const Metadata& model, const ModelConfig& config) {
  RopeScaling scaling;
  const std::string kind = model.string("rope.scaling.type").value_or("none");
  if (kind == "linear") {
    scaling = {.kind = RopeScaling::Kind::linear,
               .factor = model.number("rope.scaling.factor", 1, 1e6).value_or(1)};
  } else if (kind != "none") {
    model.refuse("MD006", "RoPE scaling is not supported", "rope.scaling.type", kind);
  }
  if (model.number("rope.scale_linear", 0, 1e6).value_or(1) != 1)
    model.refuse("MD006", "RoPE scaling is not supported", "rope.scale_linear", "it is not 1");
  const GgufTensor* divisors = file.find(kRopeDivisors);
  return divisors ? read_llama3(file, *divisors, config) : scaling;
}

}  // namespace

ModelConfig gguf_model_config(const GgufFile& file) {
  ModelConfig config;
  config.family = file.string("general.architecture").value_or("none stated");
  if (architecture_of(config.family).empty())
    throw Error(Exit::input, "MD002", "architecture not supported", file.path(), config.family,
                "known: llama, qwen2");
  const Metadata model(file, config.family + ".");
  config.hidden_size = model.need_integer("embedding_length", 1, kMaxHidden);
  config.intermediate_size = model.need_integer("feed_forward_length", 1, kMaxIntermediate);
  config.num_layers = model.need_integer("block_count", 1, kMaxLayers);
  config.max_positions = model.integer("context_length", 1, kMaxPositions).value_or(2048);
  read_heads(model, config);
  config.rms_eps = model.number("attention.layer_norm_rms_epsilon", kMinEps, kMaxEps).value_or(1e-5);
  config.rope_theta = model.number("rope.freq_base", kMinTheta, kMaxTheta).value_or(10000.0);
  config.rope_scaling = read_scaling(file, model, config);
  if (model.integer("expert_count", 0, INT32_MAX).value_or(0) != 0)
    model.refuse("MD006", "not supported", "expert_count", "mixture of experts");
  config.tie_embeddings = file.find("output.weight") == nullptr;
  config.qkv_bias = file.find("blk.0.attn_q.bias") != nullptr;
  config.output_bias = file.find("blk.0.attn_output.bias") != nullptr;
  config.mlp_bias = file.find("blk.0.ffn_up.bias") != nullptr;
  read_embedding(file, config);
  read_special_ids(file, config);
  return config;
}

}  // namespace hone::formats
