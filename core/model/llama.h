#pragma once
// The Llama architecture (model_type llama: Llama, SmolLM, TinyLlama; qwen2, which differs in where biases
// are): pre-norm blocks of grouped-query attention with rotary positions and a SwiGLU feed-forward, RMSNorm,
// embeddings tied or not.
#include <memory>

#include "core/model/builder.h"
#include "core/model/model.h"

namespace hone::model {

std::unique_ptr<Family> make_llama(const formats::ModelConfig& config, ModuleBuilder& builder);

}  // namespace hone::model
