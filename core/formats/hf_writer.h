#pragma once
// Writes Hugging Face model folders: configurations, and weights streamed into safetensors shards.
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json.h"
#include "core/formats/model_config.h"
#include "core/formats/safetensors.h"

namespace hone::formats {

// config.json. `dtype` is "fp32", "bf16" or "fp16". With `original` (the source's own config.json, see
// read_ordered_json in hf_config.h) its other keys are kept (the size of the vocabulary and whether the head
// is tied to the embedding are of `config`); without, a fresh LlamaForCausalLM configuration is written.
// `quantization` becomes quantization_config; without it, one in the original is dropped.
void write_config_json(const std::string& folder, const ModelConfig& config, std::string_view dtype,
                       const std::optional<OrderedJson>& original = std::nullopt,
                       const std::optional<OrderedJson>& quantization = std::nullopt);

// What transformers puts under quantization_config for a bitsandbytes NF4 model. `compute` as `dtype` above.
OrderedJson nf4_quantization_config(bool double_quant, std::string_view compute);

// generation_config.json: the source's own, or a fresh one with the start and end ids.
void write_generation_config_json(const std::string& folder, const ModelConfig& config,
                                  const std::optional<OrderedJson>& original = std::nullopt);

// Streams the tensors announced, in that order, into model.safetensors, or into
// model-00001-of-0000N.safetensors with an index where they need more than one shard. At most one file is
// open; each appears whole, the index last. Errors: exit 8.
class ModelWriter {
 public:
  static constexpr std::uint64_t kShardBytes = 5'000'000'000;
  ModelWriter(std::string folder, std::vector<TensorInfo> tensors, std::uint64_t shard_bytes = kShardBytes);
  void write(std::span<const std::byte> bytes);  // of the next tensors, in pieces of any size
  void finish();                                 // checks that every byte announced was written

 private:
  struct Shard {
    std::string name;
    std::vector<TensorInfo> tensors;
    std::uint64_t bytes = 0;
  };
  void open_next();
  void write_index() const;

  std::string folder_;
  std::vector<Shard> shards_;
  std::size_t next_ = 0;    // shard to be opened next
  std::uint64_t room_ = 0;  // bytes the open shard still needs
  std::unique_ptr<SafetensorsWriter> writer_;
};

}  // namespace hone::formats
