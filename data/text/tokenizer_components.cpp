#include <map>

#include "core/base/error.h"
#include "data/text/metaspace.h"
#include "data/text/tokenizer_json.h"

namespace hone::data {
namespace {

[[noreturn]] void unknown_component(const char* what, const std::string& type, const TokenizerSpec& spec) {
  throw Error(Exit::input, "TK006", std::string(what) + " not supported", spec.source, "\"" + type + "\"",
              kKnownTokenizers);
}

template <class Value>
Value choice(const std::map<std::string, Value>& values, const std::string& name, const char* what,
             const TokenizerSpec& spec) {
  const auto found = values.find(name);
  if (found == values.end()) unknown_component(what, name, spec);
  return found->second;
}

const Json& members(const Json& json, const char* key, const TokenizerSpec& spec) {
  const Json& list = require(json, key, spec.source);
  if (!list.is_array()) throw Error(Exit::input, "TK003", "not a list", spec.source, key);
  return list;
}

PreTokenizerStep read_split(const Json& json, const TokenizerSpec& spec) {
  static const std::map<std::string, SplitBehavior> kBehaviors{
      {"Removed", SplitBehavior::removed},
      {"Isolated", SplitBehavior::isolated},
      {"MergedWithPrevious", SplitBehavior::merged_with_previous},
      {"MergedWithNext", SplitBehavior::merged_with_next},
      {"Contiguous", SplitBehavior::contiguous}};
  PreTokenizerStep step{.kind = PreTokenizerStep::Kind::split};
  const Json& pattern = require(json, "pattern", spec.source);
  step.literal = pattern.is_object() && pattern.contains("String");
  step.pattern = text_field(pattern, step.literal ? "String" : "Regex", spec.source);
  step.behavior = choice(kBehaviors, text_field(json, "behavior", spec.source), "split behavior", spec);
  step.invert = flag_field(json, "invert", false, spec.source);
  return step;
}

void append_pre_tokenizer(const Json& json, TokenizerSpec& spec) {
  const std::string type = text_field(json, "type", spec.source);
  if (!spec.pre_tokenizers.empty() && spec.pre_tokenizers.back().kind == PreTokenizerStep::Kind::byte_level)
    unknown_component("pre-tokenizer after ByteLevel", type, spec);
  if (type == "Sequence") {
    for (const Json& member : members(json, "pretokenizers", spec)) append_pre_tokenizer(member, spec);
  } else if (type == "Digits") {
    spec.pre_tokenizers.push_back({.kind = PreTokenizerStep::Kind::digits,
                                   .individual = flag_field(json, "individual_digits", false, spec.source)});
  } else if (type == "Split") {
    spec.pre_tokenizers.push_back(read_split(json, spec));
  } else if (type == "ByteLevel") {
    spec.pre_tokenizers.push_back(
        {.kind = PreTokenizerStep::Kind::byte_level,
         .add_prefix_space = flag_field(json, "add_prefix_space", true, spec.source),
         .use_regex = flag_field(json, "use_regex", true, spec.source)});
  } else {
    unknown_component("pre-tokenizer", type, spec);
  }
}

void read_template(const Json& json, TokenizerSpec& spec) {
  const Json& specials = require(json, "special_tokens", spec.source);
  bool after_text = false;
  for (const Json& part : members(json, "single", spec)) {
    if (part.is_object() && part.contains("Sequence")) {
      if (text_field(part["Sequence"], "id", spec.source) != "A" || after_text)
        throw Error(Exit::input, "TK003", "bad template", spec.source,
                    "\"single\" must hold sequence A once");
      after_text = true;
      continue;
    }
    const std::string name = text_field(require(part, "SpecialToken", spec.source), "id", spec.source);
    for (const Json& id : members(require(specials, name.c_str(), spec.source), "ids", spec))
      (after_text ? spec.suffix : spec.prefix).push_back(id_value(id, "template token " + name, spec.source));
  }
  if (!after_text)
    throw Error(Exit::input, "TK003", "bad template", spec.source, "\"single\" lacks sequence A");
}

bool replaces(const Json& json, std::string_view from, std::string_view to, const TokenizerSpec& spec) {
  const Json& pattern = require(json, "pattern", spec.source);
  return pattern.is_object() && pattern.contains("String") &&
         text_field(pattern, "String", spec.source) == from && text_field(json, "content", spec.source) == to;
}

// Llama 2's normaliser: a mark before the text, then one for each space.
void read_marking(const Json& json, const std::string& type, TokenizerSpec& spec) {
  if (type == "Prepend" && !spec.metaspace && text_field(json, "prepend", spec.source) == kMetaspace) {
    spec.metaspace = Metaspace{};  // a Replace has to follow, which makes it the normaliser
  } else if (type == "Replace" && replaces(json, " ", kMetaspace, spec)) {
    if (!spec.metaspace) spec.metaspace = Metaspace{.prepend = Metaspace::Prepend::never};
    spec.metaspace->normalizer = true;
  } else {
    unknown_component("normalizer", type, spec);
  }
}

void read_metaspace(const Json& json, TokenizerSpec& spec) {
  static const std::map<std::string, Metaspace::Prepend> kSchemes{{"never", Metaspace::Prepend::never},
                                                                  {"first", Metaspace::Prepend::first},
                                                                  {"always", Metaspace::Prepend::always}};
  if (text_field(json, "replacement", spec.source) != kMetaspace)
    unknown_component("pre-tokenizer", "Metaspace", spec);
  spec.metaspace = Metaspace{
      .prepend = choice(kSchemes, text_field(json, "prepend_scheme", spec.source), "prepend scheme", spec),
      .split = flag_field(json, "split", true, spec.source)};
}

// What turns tokens back into text: marks to spaces, byte tokens to bytes; only the space taken off varies.
void read_unmarking(const Json& json, const std::string& type, TokenizerSpec& spec) {
  const auto is = [&](const char* key, const Json& value) {
    return require(json, key, spec.source) == value;
  };
  if (type == "ByteFallback" || type == "Fuse" ||
      (type == "Replace" && replaces(json, kMetaspace, " ", spec)))
    return;
  if (type == "Metaspace") {
    spec.metaspace->strip = text_field(json, "prepend_scheme", spec.source) != "never";
  } else if (type == "Strip" && is("content", " ") && is("start", 1) && is("stop", 0)) {
    spec.metaspace->strip = true;
  } else {
    unknown_component("decoder", type, spec);
  }
}

}  // namespace

void read_normalizer(const Json& json, TokenizerSpec& spec) {
  static const std::map<std::string, Normalization> kForms{{"NFC", Normalization::nfc},
                                                           {"NFD", Normalization::nfd},
                                                           {"NFKC", Normalization::nfkc},
                                                           {"NFKD", Normalization::nfkd}};
  if (json.is_null()) return;
  const std::string type = text_field(json, "type", spec.source);
  if (type == "Sequence") {
    for (const Json& member : members(json, "normalizers", spec)) read_normalizer(member, spec);
  } else if (type == "Prepend" || type == "Replace") {
    read_marking(json, type, spec);
  } else {
    if (spec.metaspace) unknown_component("normalizer after the marking of words", type, spec);
    spec.normalizers.push_back(choice(kForms, type, "normalizer", spec));
  }
}

void read_pre_tokenizer(const Json& json, TokenizerSpec& spec) {
  if (spec.metaspace && !spec.metaspace->normalizer)
    unknown_component("normalizer", "Prepend without Replace", spec);
  if (spec.metaspace && json.is_null()) return;
  if (json.is_null()) unknown_component("pre-tokenizer", "null", spec);
  if (text_field(json, "type", spec.source) == "Metaspace" && !spec.metaspace)
    return read_metaspace(json, spec);
  if (spec.metaspace)
    unknown_component("pre-tokenizer with marked words", text_field(json, "type", spec.source), spec);
  append_pre_tokenizer(json, spec);
  if (spec.pre_tokenizers.empty() || spec.pre_tokenizers.back().kind != PreTokenizerStep::Kind::byte_level)
    unknown_component("pre-tokenizer without ByteLevel at its end", text_field(json, "type", spec.source),
                      spec);
}

void read_post_processor(const Json& json, TokenizerSpec& spec) {
  if (json.is_null()) return;
  const std::string type = text_field(json, "type", spec.source);
  if (type == "Sequence") {
    for (const Json& member : members(json, "processors", spec)) read_post_processor(member, spec);
  } else if (type == "TemplateProcessing") {
    if (!spec.prefix.empty() || !spec.suffix.empty()) unknown_component("second post-processor", type, spec);
    read_template(json, spec);
  } else if (type != "ByteLevel") {  // ByteLevel only moves offsets
    unknown_component("post-processor", type, spec);
  }
}

void read_decoder(const Json& json, TokenizerSpec& spec) {
  if (json.is_null()) return;
  const std::string type = text_field(json, "type", spec.source);
  if (type == "Sequence") {
    for (const Json& member : members(json, "decoders", spec)) read_decoder(member, spec);
  } else if (spec.metaspace) {
    read_unmarking(json, type, spec);
  } else if (type != "ByteLevel") {
    unknown_component("decoder", type, spec);
  }
}

}  // namespace hone::data
