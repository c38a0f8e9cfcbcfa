#pragma once
// config.json and generation_config.json of a Hugging Face folder.
#include <optional>
#include <string>
#include <string_view>

#include "core/base/json.h"
#include "core/formats/model_config.h"

namespace hone::formats {

// Checks everything hone relies on: CF001 bad JSON, CF002 to CF004 keys, CF005 a value or feature that is not
// supported, CF006 quantisation other than bitsandbytes nf4, MD002 another architecture.
ModelConfig parse_hf_config(const Json& config, const std::string& where);

// Reads folder/config.json; the end ids of folder/generation_config.json, where there is one, are added.
ModelConfig read_hf_config(const std::string& folder);

// What config.json calls a family of ours ("llama": "LlamaForCausalLM"); empty: none of ours.
std::string_view architecture_of(std::string_view family);

// A file's JSON with its keys in their order, or none where the file is not there.
std::optional<OrderedJson> read_ordered_json(const std::string& path);

}  // namespace hone::formats
