#pragma once
// A tokenizer from GGUF metadata (tokenizer.ggml.*), following the `pre` kinds as llama.cpp does: smollm,
// gpt-2, default, llama-bpe, qwen2.
#include <string>

#include "data/text/tokenizer_spec.h"

namespace hone::data {

// Errors: exit 3, TK0xx; TK010 for a kind of tokenizer that is not read.
TokenizerSpec read_tokenizer_gguf(const std::string& path);

}  // namespace hone::data
