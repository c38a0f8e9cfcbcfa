#pragma once
// Models of known shapes with noise for weights, and a batch for them: speed depends on neither.
#include <c10/util/accumulate.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/base/philox.h"
#include "core/formats/tensor_source.h"
#include "core/ports/token_batch.h"

namespace hone::bench {

// "135m": SmolLM2-135M; "1b": Llama-3.2-1B; "8b": Llama-3.1-8B.
inline formats::ModelConfig model_shape(const std::string& name) {
  formats::ModelConfig c;
  const auto set = [&](auto hidden, auto inner, auto layers, auto heads, auto kv, auto dim, auto vocab,
                       bool tied) {
    c.hidden_size = hidden, c.intermediate_size = inner, c.num_layers = layers, c.num_heads = heads;
    c.num_kv_heads = kv, c.head_dim = dim, c.vocab_size = vocab, c.tie_embeddings = tied;
  };
  c.max_positions = 8192;
  c.rope_theta = 100000;
  if (name == "135m") return set(576, 1536, 30, 9, 3, 64, 49152, true), c;
  if (name == "1b") return set(2048, 8192, 16, 32, 8, 64, 128256, true), c;
  if (name == "8b") return set(4096, 14336, 32, 32, 8, 128, 128256, false), c;
  throw Error(Exit::usage, "BN001", "no such shape", "--shape", name, "135m, 1b or 8b");
}

inline std::int64_t block_linear_parameters(const formats::ModelConfig& c) {
  const std::int64_t q = c.num_heads * c.head_dim, kv = c.num_kv_heads * c.head_dim;
  return c.num_layers * c.hidden_size * (2 * q + 2 * kv + 3 * c.intermediate_size);
}

class NoiseSource final : public formats::TensorSource {
 public:
  explicit NoiseSource(const formats::ModelConfig& c) : noise_(std::size_t{1} << 20) {
    const std::int64_t h = c.hidden_size, q = c.num_heads * c.head_dim, kv = c.num_kv_heads * c.head_dim;
    const std::int64_t f = c.intermediate_size;
    add("model.embed_tokens.weight", {c.vocab_size, h});
    add("model.norm.weight", {h});
    if (!c.tie_embeddings) add("lm_head.weight", {c.vocab_size, h});
    for (std::int64_t i = 0; i < c.num_layers; ++i) {
      const std::string p = "model.layers." + std::to_string(i) + ".";
      add(p + "input_layernorm.weight", {h}), add(p + "post_attention_layernorm.weight", {h});
      add(p + "self_attn.q_proj.weight", {q, h}), add(p + "self_attn.o_proj.weight", {h, q});
      add(p + "self_attn.k_proj.weight", {kv, h}), add(p + "self_attn.v_proj.weight", {kv, h});
      add(p + "mlp.gate_proj.weight", {f, h}), add(p + "mlp.up_proj.weight", {f, h}),
          add(p + "mlp.down_proj.weight", {h, f});
    }
    std::sort(tensors_.begin(), tensors_.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    for (std::size_t i = 0; i < noise_.size(); ++i)
      noise_[i] = 0.08f * (unit_float(static_cast<std::uint32_t>(i * 2654435761u)) - 0.5f);
  }
  const std::vector<formats::TensorInfo>& tensors() const override { return tensors_; }
  void read_rows(const formats::TensorInfo& t, std::int64_t begin, std::int64_t end,
                 float* out) const override {
    const std::int64_t width = c10::multiply_integers(t.shape) / t.shape[0];
    std::size_t at = std::hash<std::string>{}(t.name) + static_cast<std::size_t>(begin * width);
    if (t.shape.size() == 1) return void(std::fill(out, out + (end - begin) * width, 1.0f));
    for (std::int64_t left = (end - begin) * width; left > 0;) {
      const std::size_t from = at % noise_.size();
      const std::size_t count = std::min<std::size_t>(noise_.size() - from, static_cast<std::size_t>(left));
      std::memcpy(out, &noise_[from], count * sizeof(float));
      out += count, at += count, left -= static_cast<std::int64_t>(count);
    }
  }
  std::span<const std::byte> raw(const formats::TensorInfo&) const override { return {}; }
  std::optional<formats::Nf4Parts> nf4(const formats::TensorInfo&) const override { return std::nullopt; }
  std::string describe(const formats::TensorInfo& t) const override { return t.name; }

 private:
  void add(const std::string& name, std::vector<std::int64_t> shape) {
    tensors_.push_back({name, formats::DType::f32, std::move(shape)});
  }
  std::vector<formats::TensorInfo> tensors_;
  std::vector<float> noise_;
};

inline formats::ModelFiles noise_model(const std::string& shape) {
  formats::ModelFiles files;
  files.config = model_shape(shape);
  files.tensors = std::make_unique<NoiseSource>(files.config);
  return files;
}

// Every token is supervised but the first of a sequence.
inline TokenBatch noise_batch(std::int64_t sequences, std::int64_t length, std::int64_t vocab) {
  TokenBatch batch;
  for (std::int64_t s = 0; s < sequences; ++s) {
    for (std::int64_t t = 0; t < length; ++t) {
      batch.tokens.push_back(static_cast<std::int32_t>((s * 7919 + t * 104729) % vocab));
      batch.positions.push_back(static_cast<std::int32_t>(t));
      batch.supervised.push_back(1);
    }
    batch.cu_seqlens.push_back(static_cast<std::int32_t>(batch.tokens.size()));
    batch.sample.push_back(s), batch.slot.push_back(0), batch.prefix.push_back(-1);
  }
  return batch;
}

}  // namespace hone::bench
