// Bad tokenizers end in one error with its code, never in a crash or in other ids.
#include <functional>

#include "data/text/splitter.h"
#include "data/text/tokenizer.h"
#include "text_golden.h"

namespace hone::data {
namespace {

using namespace text_test;

Json good() {
  Json vocab;
  for (const char* token : {"a", "b", "c", "ab", "abc"}) vocab[token] = vocab.size();
  return {{"added_tokens", {{{"id", 5}, {"content", "<s>"}, {"special", true}}}},
          {"normalizer", nullptr},
          {"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", false}}},
          {"post_processor", nullptr},
          {"decoder", {{"type", "ByteLevel"}}},
          {"model", {{"type", "BPE"}, {"vocab", vocab}, {"merges", {"a b", "ab c"}}}}};
}

std::string code_of_files(const std::string& tokenizer, const std::string& config = "{}") {
  const TemporaryFolder folder;
  write_file_atomic(folder.path() + "/tokenizer.json", tokenizer);
  write_file_atomic(folder.path() + "/tokenizer_config.json", config);
  return error_code([&] { load_tokenizer(folder.path())->encode("abcab (c) 12-x", true); });
}

Json split(const Json& pattern, const char* behavior = "Isolated") {
  return {{"type", "Sequence"},
          {"pretokenizers",
           {{{"type", "Split"}, {"pattern", pattern}, {"behavior", behavior}, {"invert", false}},
            {{"type", "ByteLevel"}, {"use_regex", false}, {"add_prefix_space", false}}}}};
}

struct Bad {
  const char* name;
  const char* code;
  std::function<void(Json&)> spoil;
};

void PrintTo(const Bad& bad, std::ostream* out) { *out << bad.name; }

class BadTokenizerJson : public testing::TestWithParam<Bad> {};

TEST_P(BadTokenizerJson, IsRefused) {
  Json json = good();
  GetParam().spoil(json);
  EXPECT_EQ(code_of_files(json.dump()), GetParam().code);
}

const Bad kBad[] = {
    {"not_an_object", "TK003", [](Json& j) { j = Json::array(); }},
    {"no_model", "TK003", [](Json& j) { j.erase("model"); }},
    {"model_is_a_text", "TK003", [](Json& j) { j["model"] = "BPE"; }},
    {"word_piece", "TK006", [](Json& j) { j["model"]["type"] = "WordPiece"; }},
    {"unigram", "TK006", [](Json& j) { j["model"]["type"] = "Unigram"; }},
    {"byte_fallback", "TK006", [](Json& j) { j["model"]["byte_fallback"] = true; }},
    {"dropout", "TK006", [](Json& j) { j["model"]["dropout"] = 0.1; }},
    {"word_suffix", "TK006", [](Json& j) { j["model"]["end_of_word_suffix"] = "</w>"; }},
    {"no_vocabulary", "TK003", [](Json& j) { j["model"].erase("vocab"); }},
    {"empty_vocabulary", "TK003",
     [](Json& j) {
       j["model"]["vocab"] = Json::object();
       j["model"]["merges"] = Json::array();
     }},
    {"vocabulary_is_a_list", "TK003",
     [](Json& j) {
       j["model"]["vocab"] = {"a", "b"};
     }},
    {"empty_token", "TK003", [](Json& j) { j["model"]["vocab"][""] = 9; }},
    {"duplicate_id", "TK004", [](Json& j) { j["model"]["vocab"]["b"] = 0; }},
    {"negative_id", "TK004", [](Json& j) { j["model"]["vocab"]["b"] = -1; }},
    {"huge_id", "TK004", [](Json& j) { j["model"]["vocab"]["b"] = 1 << 20; }},
    {"id_over_64_bits", "TK003", [](Json& j) { j["model"]["vocab"]["b"] = 1e30; }},
    {"id_of_2_to_63", "TK004", [](Json& j) { j["model"]["vocab"]["b"] = std::uint64_t{1} << 63; }},
    {"id_is_a_text", "TK003", [](Json& j) { j["model"]["vocab"]["b"] = "1"; }},
    {"token_too_long", "TK002", [](Json& j) { j["model"]["vocab"][std::string(5000, 'x')] = 9; }},
    {"merge_of_unknown_token", "TK005", [](Json& j) { j["model"]["merges"].push_back("a z"); }},
    {"merge_to_unknown_token", "TK005", [](Json& j) { j["model"]["merges"].push_back("c c"); }},
    {"merge_of_three", "TK003", [](Json& j) { j["model"]["merges"].push_back("a b c"); }},
    {"merge_of_one", "TK003", [](Json& j) { j["model"]["merges"].push_back("a"); }},
    {"merge_pair_of_three", "TK003",
     [](Json& j) {
       j["model"]["merges"].push_back({"a", "b", "c"});
     }},
    {"merges_missing", "TK003", [](Json& j) { j["model"].erase("merges"); }},
    {"unknown_token_not_there", "TK003", [](Json& j) { j["model"]["unk_token"] = "<unk>"; }},
    {"pre_tokenizer_null", "TK006", [](Json& j) { j["pre_tokenizer"] = nullptr; }},
    {"metaspace_of_another_mark", "TK006",
     [](Json& j) {
       j["pre_tokenizer"] = {{"type", "Metaspace"}, {"replacement", "_"}, {"prepend_scheme", "always"}};
     }},
    {"metaspace_scheme_unknown", "TK006",
     [](Json& j) {
       j["pre_tokenizer"] = {{"type", "Metaspace"}, {"replacement", "\u2581"}, {"prepend_scheme", "often"}};
     }},
    {"metaspace_without_scheme", "TK003",
     [](Json& j) {
       j["pre_tokenizer"] = {{"type", "Metaspace"}, {"replacement", "\u2581"}};
     }},
    {"normalizer_prepend_without_replace", "TK006",
     [](Json& j) {
       j["normalizer"] = {{"type", "Prepend"}, {"prepend", "\u2581"}};
       j["pre_tokenizer"] = nullptr;
     }},
    {"normalizer_replaces_something_else", "TK006",
     [](Json& j) {
       j["normalizer"] = {{"type", "Replace"}, {"pattern", {{"String", "a"}}}, {"content", "\u2581"}};
     }},
    {"marked_words_and_byte_level", "TK006",
     [](Json& j) {
       j["normalizer"] = {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", "\u2581"}};
     }},
    {"pre_tokenizer_without_type", "TK003", [](Json& j) { j["pre_tokenizer"] = Json::object(); }},
    {"pre_tokenizer_not_byte_level", "TK006",
     [](Json& j) {
       j["pre_tokenizer"] = {{"type", "Digits"}, {"individual_digits", true}};
     }},
    {"byte_level_not_last", "TK006",
     [](Json& j) {
       j["pre_tokenizer"] = {
           {"type", "Sequence"},
           {"pretokenizers", {{{"type", "ByteLevel"}}, {{"type", "Digits"}, {"individual_digits", true}}}}};
     }},
    {"regex_does_not_compile", "TK007",
     [](Json& j) {
       j["pre_tokenizer"] = split({{"Regex", "(a"}});
     }},
    {"regex_too_long", "TK007",
     [](Json& j) {
       j["pre_tokenizer"] = split({{"Regex", std::string(5000, 'a')}});
     }},
    {"regex_nested_too_deep", "TK007",
     [](Json& j) {
       j["pre_tokenizer"] = split({{"Regex", std::string(100, '(') + std::string(100, ')')}});
     }},
    {"split_behavior_unknown", "TK006",
     [](Json& j) {
       j["pre_tokenizer"] = split({{"Regex", "a"}}, "Somehow");
     }},
    {"split_without_pattern", "TK003", [](Json& j) { j["pre_tokenizer"] = split("a"); }},
    {"normalizer_lowercase", "TK006",
     [](Json& j) {
       j["normalizer"] = {{"type", "Lowercase"}};
     }},
    {"normalizer_is_a_text", "TK003", [](Json& j) { j["normalizer"] = "NFC"; }},
    {"decoder_metaspace", "TK006",
     [](Json& j) {
       j["decoder"] = {{"type", "Metaspace"}};
     }},
    {"post_processor_bert", "TK006",
     [](Json& j) {
       j["post_processor"] = {{"type", "BertProcessing"}};
     }},
    {"template_without_sequence", "TK003",
     [](Json& j) {
       j["post_processor"] = {
           {"type", "TemplateProcessing"}, {"single", Json::array()}, {"special_tokens", Json::object()}};
     }},
    {"template_of_unknown_token", "TK003",
     [](Json& j) {
       j["post_processor"] = {
           {"type", "TemplateProcessing"},
           {"single", {{{"SpecialToken", {{"id", "<x>"}}}}, {{"Sequence", {{"id", "A"}}}}}},
           {"special_tokens", Json::object()}};
     }},
    {"template_of_unknown_id", "TK004",
     [](Json& j) {
       j["post_processor"] = {
           {"type", "TemplateProcessing"},
           {"single", {{{"SpecialToken", {{"id", "<x>"}}}}, {{"Sequence", {{"id", "A"}}}}}},
           {"special_tokens", {{"<x>", {{"id", "<x>"}, {"ids", Json::array({77})}}}}}};
     }},
    {"added_token_empty", "TK003", [](Json& j) { j["added_tokens"][0]["content"] = ""; }},
    {"added_token_without_id", "TK003", [](Json& j) { j["added_tokens"][0].erase("id"); }},
    {"added_token_flag_is_a_number", "TK003", [](Json& j) { j["added_tokens"][0]["special"] = 1; }},
    {"added_token_takes_an_id", "TK009", [](Json& j) { j["added_tokens"][0]["id"] = 1; }},
    {"added_token_renumbers_a_token", "TK009", [](Json& j) { j["added_tokens"][0]["content"] = "a"; }},
    {"added_token_twice", "TK009", [](Json& j) { j["added_tokens"].push_back(j["added_tokens"][0]); }},
    {"added_tokens_is_an_object", "TK003", [](Json& j) { j["added_tokens"] = Json::object(); }},
};
INSTANTIATE_TEST_SUITE_P(Parts, BadTokenizerJson, testing::ValuesIn(kBad),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(BadTokenizer, TheFilesTheyStartFromAreGood) {
  EXPECT_EQ(code_of_files(good().dump()), "no error");
  Json with_regex = good();
  with_regex["pre_tokenizer"] = split({{"Regex", "[a-c]+"}});
  EXPECT_EQ(code_of_files(with_regex.dump()), "no error");
}

TEST(BadTokenizer, TextThatIsNotJsonIsRefused) {
  EXPECT_EQ(code_of_files(""), "TK001");
  EXPECT_EQ(code_of_files("{\"model\": "), "TK001");
  EXPECT_EQ(code_of_files("\x80\x02}q"), "TK001");
  EXPECT_EQ(code_of_files("{\"a\": \"\xFF\"}"), "TK001");
  EXPECT_EQ(code_of_files(std::string(100000, '[')), "TK001");
  EXPECT_EQ(code_of_files("{\"model\": 1, \"model\": 2}"), "TK001");
}

TEST(BadTokenizer, BadConfigBesideItIsRefused) {
  const std::string json = good().dump();
  EXPECT_EQ(code_of_files(json, "[]"), "TK003");
  EXPECT_EQ(code_of_files(json, "{"), "TK001");
  EXPECT_EQ(code_of_files(json, R"({"eos_token": 7})"), "TK003");
  EXPECT_EQ(code_of_files(json, R"({"chat_template": 7})"), "TK003");
  EXPECT_EQ(code_of_files(json, R"({"added_tokens_decoder": {"x": {"content": "y"}}})"), "TK003");
  EXPECT_EQ(code_of_files(json, R"({"added_tokens_decoder": {"1": {"content": "y"}}})"), "TK009");
  EXPECT_EQ(code_of_files(json, R"({"added_tokens_decoder": {"9999999": {"content": "y"}}})"), "TK004");
  EXPECT_EQ(code_of_files(json, R"({"eos_token": {"content": "<s>"}, "chat_template": null})"), "no error");
}

TEST(BadTokenizer, FolderWithoutOneSaysSo) {
  const TemporaryFolder folder;
  EXPECT_EQ(error_code([&] { load_tokenizer(folder.path()); }), "TK012");
  EXPECT_EQ(error_code([&] { export_tokenizer(folder.path(), folder.path() + "/out"); }), "TK012");
}

TEST(BadTokenizer, PatternThatNeverEndsIsStopped) {
  Json json = good();
  json["pre_tokenizer"] = split({{"Regex", "(a*)*(a*)*z"}});
  const TemporaryFolder folder;
  write_file_atomic(folder.path() + "/tokenizer.json", json.dump());
  const auto tokenizer = load_tokenizer(folder.path());
  EXPECT_EQ(error_code([&] { tokenizer->encode(std::string(2000, 'a') + "bz", false); }), "TK008");
}

// A GGUF file with metadata only, spoilt in one place.
class MetadataFile {
 public:
  void text(const std::string& key, const std::string& value) { entry(key, 8), string(value); }
  void boolean(const std::string& key, bool value) { entry(key, 7), out_.push_back(value ? 1 : 0); }
  void number(const std::string& key, std::uint32_t value) { entry(key, 4), raw(value); }
  void texts(const std::string& key, const std::vector<std::string>& values) {
    entry(key, 9), raw(std::uint32_t{8}), raw(std::uint64_t{values.size()});
    for (const auto& value : values) string(value);
  }
  void numbers(const std::string& key, const std::vector<std::int32_t>& values) {
    entry(key, 9), raw(std::uint32_t{5}), raw(std::uint64_t{values.size()});
    for (const auto value : values) raw(value);
  }
  std::string bytes() const {
    MetadataFile head;
    head.out_ = "GGUF";
    head.raw(std::uint32_t{3}), head.raw(std::uint64_t{0}), head.raw(count_);
    return head.out_ + out_;
  }

 private:
  template <class Value>
  void raw(Value value) {
    out_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void string(const std::string& value) { raw(std::uint64_t{value.size()}), out_ += value; }
  void entry(const std::string& key, std::uint32_t type) { string(key), raw(type), ++count_; }
  std::string out_;
  std::uint64_t count_ = 0;
};

struct GgufParts {
  std::string model = "gpt2", pre = "smollm";
  std::vector<std::string> tokens{"a", "b", "ab", "<s>"}, merges{"a b"};
  std::vector<std::int32_t> types{1, 1, 1, 3};
  std::uint32_t bos = 3;
  bool has_types = true, has_bos = true;
};

std::string gguf_code(const std::function<void(GgufParts&)>& spoil) {
  GgufParts parts;
  spoil(parts);
  MetadataFile file;
  file.text("general.architecture", "llama");
  file.text("tokenizer.ggml.model", parts.model);
  file.text("tokenizer.ggml.pre", parts.pre);
  file.texts("tokenizer.ggml.tokens", parts.tokens);
  file.texts("tokenizer.ggml.merges", parts.merges);
  if (parts.has_types) file.numbers("tokenizer.ggml.token_type", parts.types);
  if (parts.has_bos) file.number("tokenizer.ggml.bos_token_id", parts.bos);
  file.boolean("tokenizer.ggml.add_bos_token", true);
  const TemporaryFolder folder;
  write_file_atomic(folder.path() + "/model.gguf", file.bytes());
  return error_code([&] { load_tokenizer(folder.path() + "/model.gguf"); });
}

TEST(BadGgufTokenizer, IsRefused) {
  EXPECT_EQ(gguf_code([](GgufParts&) {}), "no error");
  EXPECT_EQ(gguf_code([](GgufParts& p) { p.model = "llama"; }), "TK010");
  EXPECT_EQ(gguf_code([](GgufParts& p) { p.pre = "tekken"; }), "TK010");
  EXPECT_EQ(gguf_code([](GgufParts& p) { p.merges = {"a z"}; }), "TK005");
  EXPECT_EQ(gguf_code([](GgufParts& p) { p.merges = {"b a"}; }), "TK005");
  EXPECT_EQ(gguf_code([](GgufParts& p) { p.merges = {"ab"}; }), "TK003");
  EXPECT_EQ(gguf_code([](GgufParts& p) { p.merges = {""}; }), "TK003");
  EXPECT_EQ(gguf_code([](GgufParts& p) { p.tokens[3] = p.tokens[0]; }), "TK004");
  EXPECT_EQ(gguf_code([](GgufParts& p) { p.tokens[3] = "<\xFF>"; }), "TK003");
  EXPECT_EQ(gguf_code([](GgufParts& p) { p.tokens[3] = std::string(5000, 'x'); }), "TK002");
  EXPECT_EQ(gguf_code([](GgufParts& p) { p.types = {1, 1}; }), "TK003");
  EXPECT_EQ(gguf_code([](GgufParts& p) { p.types[0] = 99; }), "TK003");
  EXPECT_EQ(gguf_code([](GgufParts& p) { p.has_types = false; }), "TK003");
  EXPECT_EQ(gguf_code([](GgufParts& p) { p.bos = 4; }), "TK004");
  EXPECT_EQ(gguf_code([](GgufParts& p) { p.has_bos = false; }), "TK003");
}

}  // namespace
}  // namespace hone::data
