#include "core/formats/expected_tensors.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>

#include "core/base/error.h"

namespace hone::formats {

std::vector<TensorInfo> expected_tensors(const ModelConfig& c) {
  std::vector<TensorInfo> tensors;
  const auto add = [&](std::string name, std::vector<std::int64_t> shape) {
    tensors.push_back({std::move(name), DType::f32, std::move(shape)});
  };
  const auto linear = [&](const std::string& name, std::int64_t out, std::int64_t in, bool bias) {
    add(name + ".weight", {out, in});
    if (bias) add(name + ".bias", {out});
  };
  add("model.embed_tokens.weight", {c.vocab_size, c.hidden_size});
  add("model.norm.weight", {c.hidden_size});
  if (!c.tie_embeddings) add("lm_head.weight", {c.vocab_size, c.hidden_size});
  const std::int64_t q = c.num_heads * c.head_dim, kv = c.num_kv_heads * c.head_dim;
  for (std::int64_t i = 0; i < c.num_layers; ++i) {
    const std::string layer = fmt::format("model.layers.{}.", i);
    add(layer + "input_layernorm.weight", {c.hidden_size});
    add(layer + "post_attention_layernorm.weight", {c.hidden_size});
    linear(layer + "self_attn.q_proj", q, c.hidden_size, c.qkv_bias);
    linear(layer + "self_attn.k_proj", kv, c.hidden_size, c.qkv_bias);
    linear(layer + "self_attn.v_proj", kv, c.hidden_size, c.qkv_bias);
    linear(layer + "self_attn.o_proj", c.hidden_size, q, c.output_bias);
    linear(layer + "mlp.gate_proj", c.intermediate_size, c.hidden_size, c.mlp_bias);
    linear(layer + "mlp.up_proj", c.intermediate_size, c.hidden_size, c.mlp_bias);
    linear(layer + "mlp.down_proj", c.hidden_size, c.intermediate_size, c.mlp_bias);
  }
  return tensors;
}

void check_tensors(const ModelConfig& config, const TensorSource& source, const std::string& path) {
  std::set<std::string> known{"lm_head.weight"};
  for (const TensorInfo& expected : expected_tensors(config)) {
    known.insert(expected.name);
    const TensorInfo* found = source.find(expected.name);
    if (!found)
      throw Error(Exit::input, "MD001", "tensor missing", expected.name, "not in " + path,
                  "is this the right architecture?");
    if (found->shape != expected.shape)
      throw Error(Exit::input, "MD004", "tensor of the wrong shape", source.describe(*found),
                  fmt::format("[{}], the configuration needs [{}]", fmt::join(found->shape, ", "),
                              fmt::join(expected.shape, ", ")));
  }
  for (const TensorInfo& tensor : source.tensors())
    if (!known.contains(tensor.name) && !tensor.name.ends_with("rotary_emb.inv_freq"))
      throw Error(Exit::input, "MD003", "tensor not expected", source.describe(tensor),
                  "it does not belong to the " + config.family + " architecture");
}

}  // namespace hone::formats
