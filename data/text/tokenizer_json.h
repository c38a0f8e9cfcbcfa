#pragma once
// Hugging Face's tokenizer.json (with tokenizer_config.json beside it) as a TokenizerSpec.
#include <string>

#include "core/base/json.h"
#include "data/text/tokenizer_spec.h"

namespace hone::data {

// From a model folder. Errors: exit 3, TK0xx.
TokenizerSpec read_tokenizer_folder(const std::string& folder);

// The parts of a tokenizer.json, in tokenizer_components.cpp. Unknown component types are refused by name.
void read_normalizer(const Json& json, TokenizerSpec& spec);
void read_pre_tokenizer(const Json& json, TokenizerSpec& spec);
void read_post_processor(const Json& json, TokenizerSpec& spec);
void read_decoder(const Json& json, TokenizerSpec& spec);

inline constexpr const char* kKnownTokenizers =
    "hone reads BPE of bytes, and of characters with marked words";

// Fields of untrusted JSON, or Error TK003 naming them.
const Json& require(const Json& object, const char* key, const std::string& where);
std::string text_field(const Json& object, const char* key, const std::string& where);
bool flag_field(const Json& object, const char* key, bool fallback, const std::string& where);
std::int32_t id_value(const Json& value, const std::string& what, const std::string& where);

}  // namespace hone::data
