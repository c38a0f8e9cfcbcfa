#pragma once
// A GGUF file as a model: llama.cpp's names and metadata turned into Hugging Face's.
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/formats/gguf.h"
#include "core/formats/tensor_source.h"

namespace hone::formats {

// From general.architecture and its keys. MD002: an architecture that is not supported; MD005: a key missing
// or out of range; MD006: a feature (another RoPE scaling, experts) that is not supported.
ModelConfig gguf_model_config(const GgufFile& file);

// A tensor that belongs to the configuration: what llama3 scaling divides the rotary frequencies by.
inline constexpr std::string_view kRopeDivisors = "rope_freqs.weight";

// "blk.3.attn_q.weight" to "model.layers.3.self_attn.q_proj.weight"; none: a name that is not known.
std::optional<std::string> hf_name_of(std::string_view gguf_name);

// Tensors under their Hugging Face names, with the rows of q and k (which llama.cpp interleaves for
// llama, not for qwen2) put back.
// MD003: a tensor that does not belong to the architecture; GG012: one of a type that is not read.
std::unique_ptr<TensorSource> make_gguf_source(std::shared_ptr<const GgufFile> file,
                                               const ModelConfig& config);

}  // namespace hone::formats
