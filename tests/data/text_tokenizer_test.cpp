// Ids, decoded texts and exports equal Hugging Face's on hard strings in many scripts.
#include <algorithm>
#include <thread>

#include "data/text/splitter.h"
#include "data/text/tokenizer.h"
#include "data/text/utf8.h"
#include "text_golden.h"

namespace hone::data {
namespace {

using namespace text_test;

using Ids = std::vector<std::int32_t>;

void expect_golden_ids(const Tokenizer& tokenizer, const std::string& name) {
  const Json file = golden_json("ids_" + name + ".json");
  const Json& rows = file.at("rows");
  const std::vector<std::string> texts = hard_strings();
  ASSERT_EQ(rows.size(), texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const Ids ids = rows[i].at("ids").get<Ids>();
    SCOPED_TRACE(name + ", text " + std::to_string(i) + ": " + replace_invalid_utf8(texts[i]));
    EXPECT_EQ(tokenizer.encode(texts[i], false), ids);
    EXPECT_EQ(tokenizer.encode(texts[i], true), rows[i].at("special").get<Ids>());
    EXPECT_EQ(tokenizer.decode(ids, false), rows[i].at("decoded").get<std::string>());
    EXPECT_EQ(tokenizer.decode(ids, true), rows[i].at("skipped").get<std::string>());
  }
}

class FolderTokenizer : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Tiny, FolderTokenizer,
                         testing::Values("gpt2", "llama3", "qwen2", "custom", "llama2", "mistral",
                                         "metaspace"));

TEST_P(FolderTokenizer, GivesTheIdsAndTextsOfHuggingFace) {
  expect_golden_ids(*load_tokenizer(golden(GetParam())), GetParam());
}

TEST_P(FolderTokenizer, SpansAreInOrderAndInsideTheText) {
  const auto tokenizer = load_tokenizer(golden(GetParam()));
  for (const std::string& raw : hard_strings()) {
    const std::string text = replace_invalid_utf8(raw);
    std::size_t begin = 0, end = 0;
    for (const TokenSpan& span : tokenizer->encode_spans(text)) {
      EXPECT_LE(span.begin, span.end);
      EXPECT_LE(span.end, text.size());
      EXPECT_GE(span.begin, begin);
      EXPECT_GE(span.end, end);
      begin = span.begin;
      end = span.end;
    }
  }
}

TEST_P(FolderTokenizer, ManyThreadsGiveTheSameIds) {
  const auto tokenizer = load_tokenizer(golden(GetParam()));
  const std::vector<std::string> texts = hard_strings();
  std::vector<Ids> expected;
  for (const std::string& text : texts) expected.push_back(tokenizer->encode(text, true));
  std::vector<int> wrong(4, 0);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < wrong.size(); ++t)
    threads.emplace_back([&, t] {
      for (int round = 0; round < 5; ++round)
        for (std::size_t i = 0; i < texts.size(); ++i) {
          const std::size_t at = (i + 17 * t) % texts.size();
          wrong[t] += tokenizer->encode(texts[at], true) != expected[at];
        }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

class GgufTokenizer : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(PreKinds, GgufTokenizer,
                         testing::Values("smollm", "gpt-2", "default", "llama-bpe", "qwen2"));

TEST_P(GgufTokenizer, SplitsAsItsPreKindSays) {
  const auto tokenizer = load_tokenizer(golden(std::string("gguf_") + GetParam() + ".gguf"));
  expect_golden_ids(*tokenizer, std::string("gguf_") + GetParam());
  EXPECT_EQ(tokenizer->token(tokenizer->bos_id()), "<|bos|>");
  EXPECT_EQ(tokenizer->token(tokenizer->eos_id()), "<|im_end|>");
  EXPECT_NE(tokenizer->chat_template_source().find("<|im_start|>"), std::string::npos);
}

TEST_P(GgufTokenizer, ExportedFolderIsTheSameTokenizer) {
  const std::string path = golden(std::string("gguf_") + GetParam() + ".gguf");
  const TemporaryFolder folder;
  export_tokenizer(path, folder.path());
  const auto from_gguf = load_tokenizer(path), from_folder = load_tokenizer(folder.path());
  expect_golden_ids(*from_folder, std::string("gguf_") + GetParam());
  EXPECT_EQ(from_folder->fingerprint(), from_gguf->fingerprint());
  EXPECT_EQ(from_folder->eos_id(), from_gguf->eos_id());
  EXPECT_EQ(from_folder->bos_id(), from_gguf->bos_id());
  EXPECT_EQ(from_folder->chat_template_source(), from_gguf->chat_template_source());
}

TEST(SmolLm2Tokenizer, GivesTheIdsOfHuggingFace) {
  HONE_NEED_SMOLLM2();
  const auto tokenizer = load_tokenizer(smollm2_gguf());
  EXPECT_EQ(tokenizer->vocab_size(), 49152);
  expect_golden_ids(*tokenizer, "smollm2");
}

TEST(SmolLm2Tokenizer, ExportedFolderIsTheSameTokenizer) {
  HONE_NEED_SMOLLM2();
  const TemporaryFolder folder;
  export_tokenizer(smollm2_gguf(), folder.path());
  const auto tokenizer = load_tokenizer(folder.path());
  expect_golden_ids(*tokenizer, "smollm2");
  EXPECT_EQ(tokenizer->fingerprint(), load_tokenizer(smollm2_gguf())->fingerprint());
  EXPECT_EQ(tokenizer->token(tokenizer->eos_id()), "<|im_end|>");
}

TEST_P(FolderTokenizer, TakesNewTokensAsHuggingFaceDoes) {
  const Json golden_values = golden_json("new_tokens.json");
  const Json& expected = golden_values.at(GetParam());
  const auto tokens = golden_values["tokens"].get<std::vector<std::string>>();
  const TemporaryFolder folder;
  export_tokenizer(golden(GetParam()), folder.path(), tokens);
  for (const auto& tokenizer : {load_tokenizer(golden(GetParam()), tokens), load_tokenizer(folder.path())}) {
    EXPECT_EQ(tokenizer->vocab_size(), expected["vocab_size"].get<std::int32_t>());
    for (std::size_t i = 0; i < golden_values["texts"].size(); ++i) {
      const auto text = golden_values["texts"][i].get<std::string>();
      const auto ids = tokenizer->encode(text, false);
      EXPECT_EQ(ids, expected["ids"][i].get<std::vector<std::int32_t>>()) << text;
      EXPECT_EQ(tokenizer->decode(tokenizer->encode(text, true), true),
                expected["texts"][i].get<std::string>());
    }
  }
  EXPECT_EQ(load_tokenizer(golden(GetParam()), tokens)->fingerprint(),
            load_tokenizer(folder.path())->fingerprint());
}

TEST(SmolLm2Tokenizer, NewTokensGoIntoAnExportedFolder) {
  HONE_NEED_SMOLLM2();
  const TemporaryFolder folder;
  export_tokenizer(smollm2_gguf(), folder.path(), {"<|tool|>"});
  const auto tokenizer = load_tokenizer(folder.path());
  EXPECT_EQ(tokenizer->vocab_size(), 49153);
  EXPECT_EQ(tokenizer->encode("<|tool|>", false), (std::vector<std::int32_t>{49152}));
}

TEST(TokenizerExport, AGivenTemplateTakesThePlaceOfTheModels) {
  const TemporaryFolder in, from_folder, from_gguf, bare;
  for (const char* name : {"tokenizer.json", "tokenizer_config.json"})
    write_file_atomic(in.path() + "/" + name, read_text_file(golden(std::string("gpt2/") + name)));
  write_file_atomic(in.path() + "/chat_template.jinja", "{{ messages }}");
  EXPECT_EQ(stored_chat_template(in.path()), "{{ messages }}");
  EXPECT_EQ(stored_chat_template(bare.path()), "");
  export_tokenizer(in.path(), from_folder.path(), {"<|new|>"}, "{{ bos_token }}");
  export_tokenizer(golden("gguf_qwen2.gguf"), from_gguf.path(), {}, "{{ bos_token }}");
  const auto before = load_tokenizer(in.path());
  for (const std::string& folder : {from_folder.path(), from_gguf.path()}) {
    EXPECT_EQ(stored_chat_template(folder), "{{ bos_token }}");
    EXPECT_EQ(load_tokenizer(folder)->chat_template_source(), "{{ bos_token }}");
  }
  EXPECT_EQ(load_tokenizer(from_folder.path())->eos_id(), before->eos_id());
  EXPECT_EQ(load_tokenizer(from_folder.path())->vocab_size(), before->vocab_size() + 1);
}

TEST(TokenizerExport, CopiesTheFilesOfAFolder) {
  const TemporaryFolder in, out;
  for (const char* name : {"tokenizer.json", "tokenizer_config.json"})
    write_file_atomic(in.path() + "/" + name, read_text_file(golden(std::string("gpt2/") + name)));
  write_file_atomic(in.path() + "/chat_template.jinja", "{{ messages }}");
  write_file_atomic(in.path() + "/generation_config.json", "{}");
  write_file_atomic(in.path() + "/model.safetensors", "no");
  export_tokenizer(in.path(), out.path() + "/deep/er");
  EXPECT_EQ(list_directory(out.path() + "/deep/er"),
            (std::vector<std::string>{"chat_template.jinja", "generation_config.json", "tokenizer.json",
                                      "tokenizer_config.json"}));
  EXPECT_EQ(read_text_file(out.path() + "/deep/er/tokenizer.json"),
            read_text_file(golden("gpt2/tokenizer.json")));
}

TEST(Tokenizer, ByteLevelTextsComeBackFromTheirIds) {
  const auto tokenizer = load_tokenizer(golden("gpt2"));
  for (const std::string& text : hard_strings())
    if (text.find("<left>") == std::string::npos && text.find("<right>") == std::string::npos) {
      EXPECT_EQ(tokenizer->decode(tokenizer->encode(text, false), false), replace_invalid_utf8(text));
    }
}

TEST(Tokenizer, KnowsItsTokensByTextAndId) {
  const auto tokenizer = load_tokenizer(golden("gpt2"));
  const auto eos = tokenizer->id("</s>");
  ASSERT_TRUE(eos.has_value());
  EXPECT_EQ(*eos, tokenizer->eos_id());
  EXPECT_EQ(tokenizer->token(*eos), "</s>");
  EXPECT_FALSE(tokenizer->id("no such token").has_value());
  EXPECT_EQ(error_code([&] { tokenizer->token(tokenizer->vocab_size()); }), "TK011");
  EXPECT_EQ(error_code([&] { tokenizer->token(-1); }), "TK011");
  EXPECT_EQ(tokenizer->decode(Ids{-1, 1 << 30}, false), "");
}

TEST(Tokenizer, FingerprintsDifferWhereTokenizersDo) {
  std::vector<std::uint64_t> seen;
  for (const char* name : {"gpt2", "llama3", "qwen2", "custom", "llama2", "mistral", "metaspace"})
    seen.push_back(load_tokenizer(golden(name))->fingerprint());
  seen.push_back(load_tokenizer(golden("gguf_gpt-2.gguf"))->fingerprint());
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(std::unique(seen.begin(), seen.end()), seen.end());
  EXPECT_EQ(load_tokenizer(golden("gpt2"))->fingerprint(), load_tokenizer(golden("gpt2"))->fingerprint());
}

TEST(Tokenizer, AHugeWordIsNotQuadratic) {
  const auto tokenizer = load_tokenizer(golden("llama3"));
  const std::string text(std::size_t{1} << 18, 'a');
  EXPECT_EQ(tokenizer->decode(tokenizer->encode(text, false), false), text);
}

// The engine that runs unknown patterns is the oracle of the splitters written by hand.
TEST(Splitters, ByHandCutWhereTheRegexDoes) {
  for (const std::string_view pattern : {kGpt2Pattern, kLlama3Pattern, kQwen2Pattern}) {
    const auto by_hand = make_regex_splitter(std::string(pattern), "test");
    const auto by_engine = make_regex_splitter("(?:" + std::string(pattern) + ")", "test");
    for (const std::string& raw : hard_strings()) {
      const std::string text = replace_invalid_utf8(raw);
      if (text.find("\u180e") != std::string::npos) continue;  // white space to PCRE2, not to Unicode
      std::vector<Range> a, b;
      by_hand->find(text, a);
      by_engine->find(text, b);
      ASSERT_EQ(a.size(), b.size()) << pattern << " on " << text;
      for (std::size_t i = 0; i < a.size(); ++i) EXPECT_EQ(a[i].end, b[i].end) << text;
    }
  }
}

TEST(Utf8, InvalidPartsAreReplacedAsPythonDoes) {
  EXPECT_EQ(replace_invalid_utf8("a\xFF"
                                 "b"),
            "a\uFFFD"
            "b");
  EXPECT_EQ(replace_invalid_utf8("\xF0\x90\x8D"), "\uFFFD");
  EXPECT_EQ(replace_invalid_utf8("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(replace_invalid_utf8("\xE2\x82 x"), "\uFFFD x");
  EXPECT_TRUE(is_valid_utf8("\xF4\x8F\xBF\xBF"));
  EXPECT_FALSE(is_valid_utf8("\xF4\x90\x80\x80"));
}

}  // namespace
}  // namespace hone::data
