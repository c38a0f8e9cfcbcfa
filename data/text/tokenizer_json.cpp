#include "data/text/tokenizer_json.h"

#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "core/base/error.h"
#include "core/base/file_system.h"
#include "data/text/tokenizer.h"
#include "data/text/utf8.h"

namespace hone::data {
namespace {

constexpr std::size_t kMaxFile = std::size_t{64} << 20;

using Ids = std::unordered_map<std::string, std::int32_t>;

[[noreturn]] void wrong(const std::string& what, const std::string& where, const std::string& why) {
  throw Error(Exit::input, "TK003", what, where, why);
}

Json member_or_null(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() ? Json() : *found;
}

void read_vocabulary(const Json& json, TokenizerSpec& spec, Ids& ids) {
  if (!json.is_object()) wrong("not an object", spec.source, "model.vocab");
  if (json.size() > static_cast<std::size_t>(kMaxVocabulary))
    throw Error(Exit::input, "TK002", "vocabulary too large", spec.source,
                std::to_string(json.size()) + " tokens, limit " + std::to_string(kMaxVocabulary));
  for (const auto& [token, value] : json.items()) {
    if (token.empty()) wrong("empty token", spec.source, "model.vocab");
    const std::int32_t id = id_value(value, "token \"" + token + "\"", spec.source);
    const auto place = static_cast<std::size_t>(id);
    if (place >= spec.vocabulary.size()) spec.vocabulary.resize(place + 1);
    if (!spec.vocabulary[place].empty())
      throw Error(Exit::input, "TK004", "duplicate id", spec.source,
                  std::to_string(id) + " is \"" + spec.vocabulary[place] + "\" and \"" + token + "\"");
    spec.vocabulary[place] = token;
    ids.emplace(token, id);
  }
}

std::pair<std::string, std::string> merge_sides(const Json& merge, const TokenizerSpec& spec) {
  if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string())
    return {merge[0].get<std::string>(), merge[1].get<std::string>()};
  if (!merge.is_string()) wrong("bad merge", spec.source, merge.dump().substr(0, 80));
  const auto text = merge.get<std::string>();
  const auto space = text.find(' ');
  if (space == std::string::npos || text.find(' ', space + 1) != std::string::npos)
    wrong("bad merge", spec.source, text.substr(0, 80) + " (not two tokens with one space between)");
  return {text.substr(0, space), text.substr(space + 1)};
}

void read_merges(const Json& json, TokenizerSpec& spec, const Ids& ids) {
  if (!json.is_array()) wrong("not a list", spec.source, "model.merges");
  spec.merges.reserve(json.size());
  for (const Json& merge : json) {
    const auto [left, right] = merge_sides(merge, spec);
    const auto a = ids.find(left), b = ids.find(right);
    if (a == ids.end() || b == ids.end())
      throw Error(
          Exit::input, "TK005", "merge of unknown token", spec.source,
          "merge " + std::to_string(spec.merges.size()) + ": \"" + (a == ids.end() ? left : right) + "\"");
    spec.merges.emplace_back(a->second, b->second);
  }
}

void refuse_unless_unset(const Json& model, const char* key, const TokenizerSpec& spec) {
  const Json value = member_or_null(model, key);
  const bool unset = value.is_null() || value == Json(false) || value == Json("") || value == Json(0.0);
  if (!unset)
    throw Error(Exit::input, "TK006", "BPE option not supported", spec.source,
                std::string(key) + " = " + value.dump().substr(0, 80), kKnownTokenizers);
}

void read_model(const Json& model, TokenizerSpec& spec) {
  if (!model.is_object()) wrong("not an object", spec.source, "model");
  if (model.contains("type") && text_field(model, "type", spec.source) != "BPE")
    throw Error(Exit::input, "TK006", "tokenizer model not supported", spec.source,
                "\"" + text_field(model, "type", spec.source) + "\"", kKnownTokenizers);
  for (const char* key : {"dropout", "continuing_subword_prefix", "end_of_word_suffix"})
    refuse_unless_unset(model, key, spec);
  if (spec.metaspace)
    spec.metaspace->byte_fallback = flag_field(model, "byte_fallback", false, spec.source);
  else
    refuse_unless_unset(model, "byte_fallback", spec);
  Ids ids;
  read_vocabulary(require(model, "vocab", spec.source), spec, ids);
  read_merges(require(model, "merges", spec.source), spec, ids);
  spec.ignore_merges = flag_field(model, "ignore_merges", false, spec.source);
  spec.fuse_unknown = flag_field(model, "fuse_unk", false, spec.source);
  if (member_or_null(model, "unk_token").is_null()) return;
  const auto unknown = ids.find(text_field(model, "unk_token", spec.source));
  if (unknown == ids.end()) wrong("unknown token is not in the vocabulary", spec.source, "model.unk_token");
  spec.unknown_id = unknown->second;
}

AddedToken read_added_token(const Json& json, std::int32_t id, const std::string& where) {
  AddedToken token;
  token.id = id;
  token.content = text_field(json, "content", where);
  token.special = flag_field(json, "special", false, where);
  token.lstrip = flag_field(json, "lstrip", false, where);
  token.rstrip = flag_field(json, "rstrip", false, where);
  token.single_word = flag_field(json, "single_word", false, where);
  token.normalized = flag_field(json, "normalized", !token.special, where);
  return token;
}

void read_added_tokens(const Json& json, TokenizerSpec& spec) {
  if (json.is_null()) return;
  if (!json.is_array()) wrong("not a list", spec.source, "added_tokens");
  for (const Json& token : json) {
    const std::int32_t id = id_value(require(token, "id", spec.source), "added token", spec.source);
    spec.added.push_back(read_added_token(token, id, spec.source));
  }
}

// Tokens that only tokenizer_config.json lists.
void read_added_tokens_decoder(const Json& json, TokenizerSpec& spec, const std::string& where) {
  if (json.is_null()) return;
  if (!json.is_object()) wrong("not an object", where, "added_tokens_decoder");
  std::unordered_set<std::string> known;
  for (const AddedToken& token : spec.added) known.insert(token.content);
  for (const auto& [key, value] : json.items()) {
    if (key.empty() || key.size() > 7 || key.find_first_not_of("0123456789") != std::string::npos)
      wrong("bad id", where, "added_tokens_decoder: \"" + key.substr(0, 40) + "\"");
    AddedToken token = read_added_token(value, std::stoi(key), where);
    if (known.insert(token.content).second) spec.added.push_back(std::move(token));
  }
}

// A special token's id by its text; -1 where the file names none or one the tokenizer lacks.
std::int32_t named_token(const Json& config, const char* key, const TokenizerSpec& spec,
                         const std::string& where) {
  const Json value = member_or_null(config, key);
  if (value.is_null()) return -1;
  const std::string content =
      value.is_object() ? text_field(value, "content", where) : text_field(config, key, where);
  for (const AddedToken& token : spec.added)
    if (token.content == content) return token.id;
  for (std::size_t id = 0; id < spec.vocabulary.size(); ++id)
    if (!content.empty() && spec.vocabulary[id] == content) return static_cast<std::int32_t>(id);
  return -1;
}

void read_named_tokens(const std::string& path, TokenizerSpec& spec) {
  if (!path_exists(path)) return;
  const Json config = parse_json_file(path, "TK001", kMaxFile);
  if (!config.is_object()) wrong("not an object", path, "the file");
  const auto fill = [&](const char* key, std::int32_t& id) {
    if (id < 0) id = named_token(config, key, spec, path);
  };
  fill("bos_token", spec.bos_id);
  fill("eos_token", spec.eos_id);
  fill("pad_token", spec.pad_id);
  fill("unk_token", spec.unk_id);
}

std::string template_in_config(const Json& json, const std::string& where) {
  if (json.is_null()) return {};
  if (json.is_string()) return json.get<std::string>();
  if (!json.is_array()) wrong("neither text nor a list", where, "chat_template");
  for (const Json& named : json)
    if (text_field(named, "name", where) == "default") return text_field(named, "template", where);
  return {};
}

Json read_config_file(const std::string& path) {
  Json config = parse_json_file(path, "TK001", kMaxFile);
  if (!config.is_object()) wrong("not an object", path, "the file");
  return config;
}

std::string config_path(const std::string& folder) { return folder + "/tokenizer_config.json"; }

// The file of its own comes before what tokenizer_config.json holds.
std::optional<std::string> template_file(const std::string& folder) {
  const std::string jinja = folder + "/chat_template.jinja";
  if (!path_exists(jinja)) return std::nullopt;
  std::string text = read_text_file(jinja, kMaxFile);
  if (!is_valid_utf8(text)) wrong("not UTF-8", jinja, "the file");
  return text;
}

void read_config(const std::string& folder, TokenizerSpec& spec) {
  const std::string path = config_path(folder);
  const Json config = path_exists(path) ? read_config_file(path) : Json::object();
  read_added_tokens_decoder(member_or_null(config, "added_tokens_decoder"), spec, path);
  const auto file = template_file(folder);
  spec.chat_template = file ? *file : template_in_config(member_or_null(config, "chat_template"), path);
  read_named_tokens(path, spec);
  read_named_tokens(folder + "/special_tokens_map.json", spec);
}

}  // namespace

std::string stored_chat_template(const std::string& folder) {
  if (auto file = template_file(folder)) return *std::move(file);
  const std::string path = config_path(folder);
  if (!path_exists(path)) return {};
  return template_in_config(member_or_null(read_config_file(path), "chat_template"), path);
}

const Json& require(const Json& object, const char* key, const std::string& where) {
  if (!object.is_object()) wrong("not an object", where, std::string("expected one with \"") + key + "\"");
  const auto found = object.find(key);
  if (found == object.end()) wrong("missing field", where, key);
  return *found;
}

std::string text_field(const Json& object, const char* key, const std::string& where) {
  const Json& value = require(object, key, where);
  if (!value.is_string()) wrong("not a text", where, key);
  return value.get<std::string>();
}

bool flag_field(const Json& object, const char* key, bool fallback, const std::string& where) {
  if (!object.is_object()) wrong("not an object", where, std::string("expected one with \"") + key + "\"");
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return fallback;
  if (!found->is_boolean()) wrong("not true or false", where, key);
  return found->get<bool>();
}

std::int32_t id_value(const Json& value, const std::string& what, const std::string& where) {
  if (!value.is_number_integer()) wrong("id is not an integer", where, what);
  const bool huge = value.is_number_unsigned() && value.get<std::uint64_t>() >= kMaxVocabulary;
  if (huge || value.get<std::int64_t>() < 0 || value.get<std::int64_t>() >= kMaxVocabulary)
    throw Error(Exit::input, "TK004", "id out of range", where,
                what + ": " + value.dump() + ", limit " + std::to_string(kMaxVocabulary));
  return value.get<std::int32_t>();
}

TokenizerSpec read_tokenizer_folder(const std::string& folder) {
  TokenizerSpec spec;
  spec.source = folder + "/tokenizer.json";
  if (!path_exists(spec.source))
    throw Error(Exit::input, "TK012", "no tokenizer", folder, "tokenizer.json is not there",
                "save the model's fast tokenizer beside its weights");
  const Json json = parse_json_file(spec.source, "TK001", kMaxFile);
  if (!json.is_object()) wrong("not an object", spec.source, "the file");
  read_normalizer(member_or_null(json, "normalizer"), spec);
  read_pre_tokenizer(member_or_null(json, "pre_tokenizer"), spec);
  read_model(require(json, "model", spec.source), spec);
  read_added_tokens(member_or_null(json, "added_tokens"), spec);
  read_post_processor(member_or_null(json, "post_processor"), spec);
  read_decoder(member_or_null(json, "decoder"), spec);
  read_config(folder, spec);
  validate(spec);
  return spec;
}

}  // namespace hone::data
