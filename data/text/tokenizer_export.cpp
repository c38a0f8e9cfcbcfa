#include <filesystem>

#include "core/base/error.h"
#include "core/base/file_system.h"
#include "core/base/json.h"
#include "core/formats/gguf.h"
#include "data/text/tokenizer.h"
#include "data/text/tokenizer_gguf.h"
#include "data/text/tokenizer_json.h"

namespace hone::data {
namespace {

// What a model folder may hold about its text side; all optional but tokenizer.json.
constexpr const char* kFiles[] = {"tokenizer.json",
                                  "tokenizer_config.json",
                                  "special_tokens_map.json",
                                  "added_tokens.json",
                                  "vocab.json",
                                  "merges.txt",
                                  "chat_template.jinja",
                                  "chat_template.json",
                                  "generation_config.json"};

void copy_files(const std::string& folder, const std::string& output) {
  if (!path_exists(folder + "/tokenizer.json"))
    throw Error(Exit::input, "TK012", "no tokenizer", folder, "tokenizer.json is not there");
  for (const char* name : kFiles) {
    const std::string path = folder + "/" + name;
    if (path_exists(path)) write_file_atomic(output + "/" + name, MappedFile(path).bytes());
  }
}

OrderedJson pre_tokenizer_json(const PreTokenizerStep& step) {
  switch (step.kind) {
    case PreTokenizerStep::Kind::digits:
      return {{"type", "Digits"}, {"individual_digits", step.individual}};
    case PreTokenizerStep::Kind::split:
      return {{"type", "Split"},
              {"pattern", {{"Regex", step.pattern}}},
              {"behavior", "Isolated"},
              {"invert", false}};
    case PreTokenizerStep::Kind::byte_level:
      break;
  }
  return {{"type", "ByteLevel"},
          {"add_prefix_space", step.add_prefix_space},
          {"trim_offsets", true},
          {"use_regex", step.use_regex}};
}

OrderedJson pre_tokenizers_json(const TokenizerSpec& spec) {
  if (spec.pre_tokenizers.size() == 1) return pre_tokenizer_json(spec.pre_tokenizers.front());
  OrderedJson steps = OrderedJson::array();
  for (const PreTokenizerStep& step : spec.pre_tokenizers) steps.push_back(pre_tokenizer_json(step));
  return {{"type", "Sequence"}, {"pretokenizers", steps}};
}

const std::string& text_of(const TokenizerSpec& spec, std::int32_t id) {
  return spec.vocabulary[static_cast<std::size_t>(id)];
}

OrderedJson post_processor_json(const TokenizerSpec& spec) {
  OrderedJson byte_level{
      {"type", "ByteLevel"}, {"add_prefix_space", true}, {"trim_offsets", false}, {"use_regex", true}};
  if (spec.prefix.empty() && spec.suffix.empty()) return byte_level;
  OrderedJson specials = OrderedJson::object();
  const auto around = [&](const char* sequence, int type, OrderedJson& parts) {
    const auto add = [&](const std::vector<std::int32_t>& ids) {
      for (const std::int32_t id : ids) {
        const std::string& text = text_of(spec, id);
        parts.push_back({{"SpecialToken", {{"id", text}, {"type_id", type}}}});
        specials[text] = {{"id", text}, {"ids", {id}}, {"tokens", {text}}};
      }
    };
    add(spec.prefix);
    parts.push_back({{"Sequence", {{"id", sequence}, {"type_id", type}}}});
    add(spec.suffix);
  };
  OrderedJson single = OrderedJson::array(), pair = OrderedJson::array();
  around("A", 0, single);
  around("A", 0, pair);
  around("B", 1, pair);
  const OrderedJson frame{
      {"type", "TemplateProcessing"}, {"single", single}, {"pair", pair}, {"special_tokens", specials}};
  return {{"type", "Sequence"}, {"processors", {byte_level, frame}}};
}

OrderedJson added_token_json(const AddedToken& token) {
  return {{"content", token.content}, {"single_word", token.single_word}, {"lstrip", token.lstrip},
          {"rstrip", token.rstrip},   {"normalized", token.normalized},   {"special", token.special}};
}

OrderedJson numbered(const AddedToken& token) {
  OrderedJson entry{{"id", token.id}};
  entry.update(added_token_json(token));
  return entry;
}

OrderedJson model_json(const TokenizerSpec& spec) {
  OrderedJson::object_t vocabulary;
  vocabulary.reserve(spec.vocabulary.size());
  for (std::size_t id = 0; id < spec.vocabulary.size(); ++id)
    if (!spec.vocabulary[id].empty())  // appended as they are: a look-up for each would be quadratic
      vocabulary.Container::emplace_back(spec.vocabulary[id], id);
  OrderedJson merges = OrderedJson::array();
  for (const auto& [left, right] : spec.merges)
    merges.push_back(text_of(spec, left) + " " + text_of(spec, right));
  return {{"type", "BPE"},
          {"dropout", nullptr},
          {"unk_token", nullptr},
          {"continuing_subword_prefix", nullptr},
          {"end_of_word_suffix", nullptr},
          {"fuse_unk", false},
          {"byte_fallback", false},
          {"ignore_merges", spec.ignore_merges},
          {"vocab", std::move(vocabulary)},
          {"merges", std::move(merges)}};
}

OrderedJson tokenizer_json(const TokenizerSpec& spec) {
  OrderedJson added = OrderedJson::array();
  for (const AddedToken& token : spec.added) added.push_back(numbered(token));
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens", std::move(added)},
          {"normalizer", nullptr},
          {"pre_tokenizer", pre_tokenizers_json(spec)},
          {"post_processor", post_processor_json(spec)},
          {"decoder",
           {{"type", "ByteLevel"}, {"add_prefix_space", true}, {"trim_offsets", true}, {"use_regex", true}}},
          {"model", model_json(spec)}};
}

OrderedJson named_tokens_json(const TokenizerSpec& spec) {
  OrderedJson out = OrderedJson::object();
  const auto name = [&](const char* key, std::int32_t id) {
    if (id >= 0) out[key] = text_of(spec, id);
  };
  name("bos_token", spec.bos_id);
  name("eos_token", spec.eos_id);
  name("pad_token", spec.pad_id);
  name("unk_token", spec.unk_id);
  return out;
}

OrderedJson config_json(const TokenizerSpec& spec, std::optional<std::int64_t> context) {
  OrderedJson added = OrderedJson::object();
  for (const AddedToken& token : spec.added) added[std::to_string(token.id)] = added_token_json(token);
  OrderedJson out{{"add_prefix_space", false}, {"added_tokens_decoder", std::move(added)}};
  out.update(named_tokens_json(spec));
  if (!spec.chat_template.empty()) out["chat_template"] = spec.chat_template;
  out["clean_up_tokenization_spaces"] = false;
  if (context) out["model_max_length"] = *context;
  // The generic class: those of a model family rebuild the pre-tokenizer and would lose the one stored.
  out["tokenizer_class"] = "PreTrainedTokenizerFast";
  return out;
}

// Puts the new tokens into the files that were copied; all else in them stays.
void add_to_files(const std::string& folder, const std::vector<std::string>& new_tokens) {
  TokenizerSpec spec = read_tokenizer_folder(folder);
  const std::size_t before = spec.added.size();
  add_special_tokens(spec, new_tokens);
  OrderedJson tokenizer = OrderedJson::parse(read_text_file(folder + "/tokenizer.json"));
  if (!tokenizer["added_tokens"].is_array()) tokenizer["added_tokens"] = OrderedJson::array();
  for (std::size_t i = before; i < spec.added.size(); ++i)
    tokenizer["added_tokens"].push_back(numbered(spec.added[i]));
  write_file_atomic(folder + "/tokenizer.json", tokenizer.dump(2));
  const std::string path = folder + "/tokenizer_config.json";
  if (!path_exists(path)) return;
  OrderedJson config = OrderedJson::parse(read_text_file(path));
  if (!config.contains("added_tokens_decoder")) return;  // what older versions of transformers read
  for (std::size_t i = before; i < spec.added.size(); ++i)
    config["added_tokens_decoder"][std::to_string(spec.added[i].id)] = added_token_json(spec.added[i]);
  write_file_atomic(path, config.dump(2) + "\n");
}

// In tokenizer_config.json, where every version of transformers looks; those of the model that would come before it go.
void put_template(const std::string& folder, const std::string& chat_template) {
  const std::string path = folder + "/tokenizer_config.json";
  OrderedJson config = path_exists(path) ? OrderedJson::parse(read_text_file(path))
                                         : OrderedJson{{"tokenizer_class", "PreTrainedTokenizerFast"}};
  config["chat_template"] = chat_template;
  write_file_atomic(path, config.dump(2) + "\n");
  for (const char* name : {"chat_template.jinja", "chat_template.json"})
    std::filesystem::remove(folder + "/" + name);
}

}  // namespace

void export_tokenizer(const std::string& model_path, const std::string& output_folder,
                      const std::vector<std::string>& new_tokens, const std::string& chat_template) {
  make_directories(output_folder);
  if (is_directory(model_path)) {
    copy_files(model_path, output_folder);
    if (!new_tokens.empty()) add_to_files(output_folder, new_tokens);
    if (!chat_template.empty()) put_template(output_folder, chat_template);
    return;
  }
  TokenizerSpec spec = read_tokenizer_gguf(model_path);
  add_special_tokens(spec, new_tokens);
  if (!chat_template.empty()) spec.chat_template = chat_template;
  const formats::GgufFile file(model_path);
  const auto architecture = file.string("general.architecture").value_or("");
  write_file_atomic(output_folder + "/tokenizer.json", tokenizer_json(spec).dump(2));
  write_file_atomic(output_folder + "/tokenizer_config.json",
                    config_json(spec, file.integer(architecture + ".context_length")).dump(2) + "\n");
  write_file_atomic(output_folder + "/special_tokens_map.json", named_tokens_json(spec).dump(2) + "\n");
}

}  // namespace hone::data
