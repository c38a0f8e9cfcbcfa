#include "data/text/tokenizer_gguf.h"

#include <unordered_map>

#include "core/base/error.h"
#include "core/formats/gguf.h"
#include "data/text/splitter.h"

namespace hone::data {
namespace {

using Kind = PreTokenizerStep::Kind;

enum TokenType { kNormal = 1, kUnknown = 2, kControl = 3, kUserDefined = 4, kUnused = 5, kByte = 6 };

[[noreturn]] void not_read(const std::string& what, const std::string& where, const std::string& why) {
  throw Error(Exit::input, "TK010", what, where, why,
              "hone reads gpt2 tokenizers with pre = smollm, gpt-2, default, llama-bpe, qwen2");
}

PreTokenizerStep regex(std::string_view pattern) {
  return {.kind = Kind::split, .pattern = std::string(pattern), .behavior = SplitBehavior::isolated};
}

PreTokenizerStep byte_level(bool use_regex) { return {.kind = Kind::byte_level, .use_regex = use_regex}; }

std::vector<PreTokenizerStep> steps_of(const std::string& pre, const std::string& where) {
  if (pre == "gpt-2") return {byte_level(true)};
  if (pre == "smollm") return {{.kind = Kind::digits, .individual = true}, byte_level(true)};
  if (pre == "llama-bpe" || pre == "llama3" || pre == "llama-v3")
    return {regex(kLlama3Pattern), byte_level(false)};
  if (pre == "qwen2") return {regex(kQwen2Pattern), byte_level(false)};
  if (pre == "default")
    return {regex(R"([\p{P}\$\+<=>\^~\|]+)"),
            regex(kGpt2Pattern),
            {.kind = Kind::digits},
            regex("[0-9][0-9][0-9]"),
            byte_level(false)};
  not_read("GGUF pre-tokenizer not supported", where, "tokenizer.ggml.pre = \"" + pre + "\"");
}

template <class Value>
Value needed(std::optional<Value> value, const char* key, const std::string& where) {
  if (!value) throw Error(Exit::input, "TK003", "missing key", where, key);
  return std::move(*value);
}

void read_merges(const std::vector<std::string>& merges, TokenizerSpec& spec) {
  std::unordered_map<std::string_view, std::int32_t> ids;
  ids.reserve(spec.vocabulary.size());
  for (std::size_t id = 0; id < spec.vocabulary.size(); ++id)
    ids.emplace(spec.vocabulary[id], static_cast<std::int32_t>(id));
  spec.merges.reserve(merges.size());
  for (const std::string& merge : merges) {
    // A side may itself begin with a space in no byte-level vocabulary, so the first space after it parts
    // them.
    const auto space = merge.find(' ', 1);
    const std::string_view text = merge;
    if (space == std::string::npos)
      throw Error(Exit::input, "TK003", "bad merge", spec.source, "\"" + merge.substr(0, 80) + "\"");
    const auto left = ids.find(text.substr(0, space)), right = ids.find(text.substr(space + 1));
    if (left == ids.end() || right == ids.end())
      throw Error(Exit::input, "TK005", "merge of unknown token", spec.source,
                  "\"" + merge.substr(0, 80) + "\"");
    spec.merges.emplace_back(left->second, right->second);
  }
}

void read_token_types(const std::vector<std::int64_t>& types, TokenizerSpec& spec) {
  if (types.size() != spec.vocabulary.size())
    throw Error(Exit::input, "TK003", "lengths differ", spec.source,
                "token_type has " + std::to_string(types.size()) + ", tokens " +
                    std::to_string(spec.vocabulary.size()));
  for (std::size_t id = 0; id < types.size(); ++id) {
    const auto type = types[id];
    if (type == kNormal || type == kUnused || type == kByte) continue;
    if (type != kControl && type != kUserDefined && type != kUnknown)
      throw Error(Exit::input, "TK003", "unknown token type", spec.source,
                  std::to_string(type) + " of id " + std::to_string(id));
    spec.added.push_back({.content = spec.vocabulary[id],
                          .id = static_cast<std::int32_t>(id),
                          .special = type != kUserDefined});
  }
}

std::int32_t special_id(const formats::GgufFile& file, const char* key, const TokenizerSpec& spec) {
  const auto id = file.integer(std::string("tokenizer.ggml.") + key);
  if (!id) return -1;
  if (*id < 0 || *id >= static_cast<std::int64_t>(spec.vocabulary.size()))
    throw Error(Exit::input, "TK004", "id out of range", spec.source,
                std::string(key) + " = " + std::to_string(*id));
  return static_cast<std::int32_t>(*id);
}

void read_special_ids(const formats::GgufFile& file, bool bos_by_default, TokenizerSpec& spec) {
  spec.bos_id = special_id(file, "bos_token_id", spec);
  spec.eos_id = special_id(file, "eos_token_id", spec);
  spec.pad_id = special_id(file, "padding_token_id", spec);
  spec.unk_id = special_id(file, "unknown_token_id", spec);
  if (file.integer("tokenizer.ggml.add_bos_token").value_or(bos_by_default) != 0) {
    if (spec.bos_id < 0)
      throw Error(Exit::input, "TK003", "missing key", spec.source,
                  "bos_token_id, which add_bos_token needs");
    spec.prefix = {spec.bos_id};
  }
  if (file.integer("tokenizer.ggml.add_eos_token").value_or(0) != 0) {
    if (spec.eos_id < 0)
      throw Error(Exit::input, "TK003", "missing key", spec.source,
                  "eos_token_id, which add_eos_token needs");
    spec.suffix = {spec.eos_id};
  }
}

}  // namespace

TokenizerSpec read_tokenizer_gguf(const std::string& path) {
  const formats::GgufFile file(path);
  TokenizerSpec spec;
  spec.source = path;
  const std::string model = needed(file.string("tokenizer.ggml.model"), "tokenizer.ggml.model", path);
  if (model != "gpt2")
    not_read("GGUF tokenizer not supported", path, "tokenizer.ggml.model = \"" + model + "\"");
  const std::string pre = file.string("tokenizer.ggml.pre").value_or("default");
  spec.pre_tokenizers = steps_of(pre, path);
  const bool llama = pre == "llama-bpe" || pre == "llama3" || pre == "llama-v3";
  spec.ignore_merges = llama;
  spec.vocabulary = needed(file.strings("tokenizer.ggml.tokens"), "tokenizer.ggml.tokens", path);
  read_merges(needed(file.strings("tokenizer.ggml.merges"), "tokenizer.ggml.merges", path), spec);
  read_token_types(needed(file.integers("tokenizer.ggml.token_type"), "tokenizer.ggml.token_type", path),
                   spec);
  read_special_ids(file, llama, spec);
  spec.chat_template = file.string("tokenizer.chat_template").value_or("");
  validate(spec);
  return spec;
}

}  // namespace hone::data
