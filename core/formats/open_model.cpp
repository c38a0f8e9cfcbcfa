#include <xxhash.h>

#include <algorithm>
#include <array>

#include "core/base/file_system.h"
#include "core/formats/decode.h"
#include "core/formats/expected_tensors.h"
#include "core/formats/gguf_model.h"
#include "core/formats/hf_config.h"
#include "core/formats/hf_source.h"
#include "core/formats/tensor_source.h"

namespace hone::formats {
namespace {

// Hashes values one after another; strings and lists with their length, so that no two records run together.
class Fingerprint {
 public:
  void add(std::int64_t value) { hash_ = XXH3_64bits_withSeed(&value, sizeof value, hash_); }
  void add(double value) { hash_ = XXH3_64bits_withSeed(&value, sizeof value, hash_); }
  void add(std::string_view text) {
    add(static_cast<std::int64_t>(text.size()));
    hash_ = XXH3_64bits_withSeed(text.data(), text.size(), hash_);
  }
  std::uint64_t value() const { return hash_; }

 private:
  std::uint64_t hash_ = 0;
};

}  // namespace

std::uint64_t fingerprint_of(const ModelConfig& c, const TensorSource& source) {
  Fingerprint print;
  print.add(c.family);
  for (const std::int64_t value :
       {c.hidden_size, c.intermediate_size, c.num_layers, c.num_heads, c.num_kv_heads, c.head_dim,
        c.vocab_size, c.max_positions, std::int64_t{c.tie_embeddings}, std::int64_t{c.qkv_bias},
        std::int64_t{c.mlp_bias}})
    print.add(value);
  print.add(c.rms_eps);
  print.add(c.rope_theta);
  for (const double divisor : rope_divisors(c.rope_scaling, c.head_dim, c.rope_theta)) print.add(divisor);
  for (const TensorInfo& tensor : source.tensors()) {
    print.add(tensor.name);
    print.add(static_cast<std::int64_t>(tensor.dtype));
    print.add(static_cast<std::int64_t>(tensor.shape.size()));
    for (const std::int64_t dim : tensor.shape) print.add(dim);
  }
  return print.value();
}

bool is_block_linear(const TensorInfo& tensor) {
  return tensor.shape.size() == 2 && tensor.name.find(".layers.") != std::string::npos;
}

const TensorInfo* TensorSource::find(std::string_view name) const {
  const auto& all = tensors();
  const auto it = std::lower_bound(all.begin(), all.end(), name,
                                   [](const TensorInfo& t, std::string_view n) { return t.name < n; });
  return it != all.end() && it->name == name ? &*it : nullptr;
}

ModelConfig read_model_config(const std::string& path) {
  return is_directory(path) ? read_hf_config(path) : gguf_model_config(GgufFile(path));
}

ModelFiles open_model(const std::string& path) {
  ModelFiles model;
  if (is_directory(path)) {
    model.config = read_hf_config(path);
    model.tensors = make_hf_source(path);
  } else {
    const auto file = std::make_shared<const GgufFile>(path);
    model.config = gguf_model_config(*file);
    model.tensors = make_gguf_source(file, model.config);
  }
  check_tensors(model.config, *model.tensors, path);
  const DType stored = model.tensors->find("model.embed_tokens.weight")->dtype;
  const bool plain = stored == DType::f32 || stored == DType::f16 || stored == DType::bf16;
  model.config.source_dtype = plain ? float_dtype_name(stored) : "fp32";
  model.fingerprint = fingerprint_of(model.config, *model.tensors);
  return model;
}

}  // namespace hone::formats
