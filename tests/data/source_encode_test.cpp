#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/encode_prompt.h"
#include "data/encode_sft.h"
#include "tests/data/fakes.h"

namespace hone::data {
namespace {

using fakes::ByteTokenizer;
using fakes::LetterTemplate;

// Supervised tokens in brackets.
std::string shown(const Sample& sample) {
  const ByteTokenizer tokenizer;
  std::string text;
  for (std::size_t i = 0; i < sample.ids.size(); ++i) {
    const bool before = i > 0 && sample.supervised[i - 1];
    if (before != static_cast<bool>(sample.supervised[i])) text += before ? "]" : "[";
    text += tokenizer.decode(std::span(&sample.ids[i], 1), false);
  }
  return text + (!sample.supervised.empty() && sample.supervised.back() ? "]" : "");
}

std::string encoded(const Example& example, const Tokenizer& tokenizer = ByteTokenizer(),
                    const ChatTemplate& chat_template = LetterTemplate()) {
  return shown(encode_sft(example, tokenizer, chat_template));
}

Example chat(std::vector<Message> prompt, std::vector<Message> messages) {
  Example example;
  example.prompt = std::move(prompt);
  example.messages = std::move(messages);
  return example;
}

Example plain(std::string prompt, std::string completion) {
  Example example;
  example.kind = RowKind::plain;
  example.prompt_text = std::move(prompt);
  example.completion_text = std::move(completion);
  return example;
}

TEST(EncodeSft, EveryAssistantTurnOfAChatIsSupervisedWithItsEndToken) {
  EXPECT_EQ(encoded(chat({}, {{"user", "hi"}, {"assistant", "yo"}, {"user", "q"}, {"assistant", "a"}})),
            "U:hi<e>\nA:[yo<e>]\nU:q<e>\nA:[a<e>]\n");
}

TEST(EncodeSft, TurnsOfAPromptAreNeverSupervised) {
  EXPECT_EQ(encoded(chat({{"user", "hi"}, {"assistant", "yo"}, {"user", "q"}}, {{"assistant", "a"}})),
            "U:hi<e>\nA:yo<e>\nU:q<e>\nA:[a<e>]\n");
}

TEST(EncodeSft, ACompletionThatDoesNotContinueItsPromptIsRefused) {
  const std::string error = fakes::error_of([] { encoded(chat({{"user", "hi"}}, {{"user", "again"}})); });
  EXPECT_TRUE(error.starts_with("error[DS015]")) << error;
}

TEST(EncodeSft, PlainRowsSuperviseTheCompletionAndOneEndToken) {
  EXPECT_EQ(encoded(plain("ab", "cd")), "<b>ab[cd<e>]");
  EXPECT_EQ(encoded(plain("ab", "cd<e>")), "<b>ab[cd<e>]");
  EXPECT_EQ(encoded(plain("ab", "cd"), ByteTokenizer(1, 258, true)), "<b>ab[cd<e>]");
  EXPECT_EQ(encoded(plain("ab", "")), "<b>ab[<e>]");
}

TEST(EncodePrompt, APlainPromptIsLeftOpen) {
  for (const bool adds_end : {false, true}) {
    const PromptedRow row =
        prompted_row(plain("ab", "cd"), ByteTokenizer(1, 258, adds_end), LetterTemplate());
    EXPECT_EQ(row.ids, (std::vector<std::int32_t>{ByteTokenizer::kBegin, 'a', 'b'}));
    EXPECT_EQ(row.expected, "cd");
  }
}

TEST(EncodeSft, PlainTextIsSupervisedWhole) {
  EXPECT_EQ(encoded(plain("", "text")), "[<b>text<e>]");
  EXPECT_EQ(encoded(plain("", "")), "[<b><e>]");
}

// "ab" is one token wherever it stands.
class MergingTokenizer : public ByteTokenizer {
 public:
  std::vector<std::int32_t> encode(std::string_view text, bool) const override {
    std::vector<std::int32_t> ids;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const bool pair = text.substr(i, 2) == "ab";
      ids.push_back(pair ? 1 : static_cast<unsigned char>(text[i]));
      i += pair;
    }
    return ids;
  }
};

TEST(EncodeSft, ATokenAcrossTheSeamCountsAsWhatFollowsThePrompt) {
  const Sample sample = encode_sft(plain("xa", "bc"), MergingTokenizer(), LetterTemplate());
  EXPECT_EQ(sample.ids, (std::vector<std::int32_t>{'x', 1, 'c', ByteTokenizer::kEnd}));
  EXPECT_EQ(sample.supervised, (std::vector<std::uint8_t>{0, 1, 1, 1}));
}

TEST(EncodeSft, TheAlpacaTemplateGetsInstructionAndInputApart) {
  Example example = chat({}, {{"user", "i\n\nn"}, {"assistant", "o"}});
  example.instruction = "i";
  example.input = "n";
  EXPECT_EQ(encoded(example), "U:i\n\nn<e>\nA:[o<e>]\n");
  EXPECT_EQ(encoded(example, ByteTokenizer(), LetterTemplate("alpaca")),
            "U:i\n\n### Input:\nn<e>\nA:[o<e>]\n");
}

TEST(EncodeSft, EmptyAnswersAreSeen) {
  EXPECT_TRUE(has_empty_answer(plain("p", " \n")));
  EXPECT_FALSE(has_empty_answer(plain("", "c")));
  EXPECT_TRUE(has_empty_answer(chat({}, {{"user", "q"}, {"assistant", ""}})));
  EXPECT_FALSE(has_empty_answer(chat({}, {{"user", ""}, {"assistant", "a"}})));
}

}  // namespace
}  // namespace hone::data
