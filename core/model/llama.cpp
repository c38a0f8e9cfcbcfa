#include "core/model/llama.h"

#include <ATen/ATen.h>

#include <cmath>

#include "core/nn/add.h"
#include "core/nn/attention.h"
#include "core/nn/embedding.h"
#include "core/nn/kv_cache.h"
#include "core/nn/rms_norm.h"
#include "core/nn/rotary.h"
#include "core/nn/swiglu.h"

namespace hone::model {
namespace {

struct LlamaBlock {
  nn::WeightPtr attention_norm, mlp_norm;
  nn::Linear q, k, v, o, gate, up, down;
};

nn::Value as_heads(const nn::Value& x, std::int64_t heads) {
  return {x.tensor.view({x.tensor.size(0), heads, -1}), x.slot};
}

nn::Value as_rows(const nn::Value& x) { return {x.tensor.view({x.tensor.size(0), -1}), x.slot}; }

class Llama final : public Family {
 public:
  Llama(const formats::ModelConfig& config, ModuleBuilder& builder);
  nn::RotaryTable rotary(const at::Tensor& positions) const override {
    return nn::rotary_table(positions, frequencies_);
  }
  nn::Value embed(const nn::Pass& pass) const override { return nn::embedding(pass, embedding_); }
  nn::Value block(const nn::Pass& pass, std::int64_t index, const nn::Value& x) const override;
  nn::Value finish(const nn::Pass& pass, const nn::Value& x) const override {
    return nn::residual_rms_norm(pass, x, {}, final_norm_, config_.rms_eps).normed;
  }
  nn::Head head() const override { return {head_}; }
  std::int64_t blocks() const override { return config_.num_layers; }

 private:
  nn::Value attend(const nn::Pass& pass, std::int64_t index, const nn::Value& x) const;

  formats::ModelConfig config_;
  at::Tensor frequencies_;  // of the rotary positions; made once, where the model computes
  nn::WeightPtr embedding_, final_norm_, head_;
  std::vector<LlamaBlock> blocks_;
};

Llama::Llama(const formats::ModelConfig& config, ModuleBuilder& builder)
    : config_(config),
      frequencies_(nn::rotary_frequencies(
          {config.head_dim, config.rope_theta,
           formats::rope_divisors(config.rope_scaling, config.head_dim, config.rope_theta)},
          builder.wide_options())) {
  const std::int64_t hidden = config.hidden_size, inner = config.intermediate_size;
  const std::int64_t q_width = config.num_heads * config.head_dim,
                     kv_width = config.num_kv_heads * config.head_dim;
  builder.begin_block("embedding");
  embedding_ = builder.matrix("model.embed_tokens.weight", config.vocab_size, hidden);
  for (std::int64_t i = 0; i < config.num_layers; ++i) {
    const std::string prefix = "model.layers." + std::to_string(i) + ".";
    builder.begin_block("layers." + std::to_string(i));
    LlamaBlock& block = blocks_.emplace_back();
    block.attention_norm = builder.vector(prefix + "input_layernorm.weight", hidden);
    block.q = builder.linear(prefix + "self_attn.q_proj", q_width, hidden, config.qkv_bias);
    block.k = builder.linear(prefix + "self_attn.k_proj", kv_width, hidden, config.qkv_bias);
    block.v = builder.linear(prefix + "self_attn.v_proj", kv_width, hidden, config.qkv_bias);
    block.o = builder.linear(prefix + "self_attn.o_proj", hidden, q_width, config.output_bias);
    block.mlp_norm = builder.vector(prefix + "post_attention_layernorm.weight", hidden);
    block.gate = builder.linear(prefix + "mlp.gate_proj", inner, hidden, config.mlp_bias);
    block.up = builder.linear(prefix + "mlp.up_proj", inner, hidden, config.mlp_bias);
    block.down = builder.linear(prefix + "mlp.down_proj", hidden, inner, config.mlp_bias);
  }
  builder.begin_block("head");
  final_norm_ = builder.vector("model.norm.weight", hidden);
  head_ = config.tie_embeddings ? embedding_ : builder.matrix("lm_head.weight", config.vocab_size, hidden);
}

nn::Value Llama::attend(const nn::Pass& pass, std::int64_t index, const nn::Value& x) const {
  const LlamaBlock& block = blocks_[index];
  const std::vector<nn::Value> qkv = nn::linears(pass, x, {&block.q, &block.k, &block.v});
  const nn::Value q = nn::rotary(pass, as_heads(qkv[0], config_.num_heads), pass.rotary);
  nn::Value k = nn::rotary(pass, as_heads(qkv[1], config_.num_kv_heads), pass.rotary);
  nn::Value v = as_heads(qkv[2], config_.num_kv_heads);
  const double scale = 1.0 / std::sqrt(static_cast<double>(config_.head_dim));
  nn::AttentionSpec spec;
  if (pass.cache) {
    std::tie(k.tensor, v.tensor) = pass.cache->append(index, k.tensor, v.tensor);
    spec = pass.cache->spec(scale);
  } else {
    spec = nn::self_attention(pass.batch, scale);
  }
  return nn::linear(pass, as_rows(nn::attention(pass, q, k, v, spec)), block.o);
}

nn::Value Llama::block(const nn::Pass& pass, std::int64_t index, const nn::Value& x) const {
  const LlamaBlock& block = blocks_[index];
  const nn::Value normed = nn::residual_rms_norm(pass, x, {}, block.attention_norm, config_.rms_eps).normed;
  const nn::Value attended = attend(pass, index, normed);
  const nn::ResidualNorm middle = nn::residual_rms_norm(pass, x, attended, block.mlp_norm, config_.rms_eps);
  const std::vector<nn::Value> gate_up = nn::linears(pass, middle.normed, {&block.gate, &block.up});
  const nn::Value inner = nn::swiglu(pass, gate_up[0], gate_up[1]);
  return nn::add(pass, middle.sum, nn::linear(pass, inner, block.down));
}

}  // namespace

std::unique_ptr<Family> make_llama(const formats::ModelConfig& config, ModuleBuilder& builder) {
  return std::make_unique<Llama>(config, builder);
}

}  // namespace hone::model
