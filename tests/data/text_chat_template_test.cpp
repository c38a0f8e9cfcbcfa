// Rendered chats, their ids and masks equal those of Hugging Face's apply_chat_template.
#include "data/text/chat_formats.h"
#include "data/text/chat_template.h"
#include "data/text/template_recognition.h"
#include "text_golden.h"

namespace hone::data {
namespace {

using namespace text_test;

std::vector<Message> messages_of(const Json& row) {
  std::vector<Message> out;
  for (const Json& message : row.at("messages"))
    out.push_back({message.at("role").get<std::string>(), message.at("content").get<std::string>()});
  return out;
}

void expect_golden_chats(const Tokenizer& tokenizer, const std::string& name) {
  const Json file = golden_json("chats_" + name + ".json");
  for (const auto& [template_name, rows] : file.at("templates").items()) {
    const auto chat = make_chat_template(template_name, tokenizer);
    EXPECT_EQ(chat->name(), template_name);
    for (const Json& row : rows) {
      std::vector<Message> messages = messages_of(row);
      SCOPED_TRACE(name + ", " + template_name + ": " + row.at("text").get<std::string>());
      const RenderedChat rendered = chat->render(messages, tokenizer, false);
      EXPECT_EQ(rendered.text, row.at("text").get<std::string>());
      EXPECT_EQ(rendered.ids, row.at("ids").get<std::vector<std::int32_t>>());
      EXPECT_EQ(rendered.supervised, row.at("supervised").get<std::vector<std::uint8_t>>());
      messages.pop_back();
      const RenderedChat prompt = chat->render(messages, tokenizer, true);
      EXPECT_EQ(prompt.text, row.at("prompt").get<std::string>());
      EXPECT_EQ(prompt.ids, tokenizer.encode(prompt.text, false));
    }
  }
}

TEST(ChatTemplates, EqualHuggingFaceOnTinyTokenizers) {
  for (const char* name : {"gpt2", "llama3", "qwen2", "llama2"})
    expect_golden_chats(*load_tokenizer(golden(name)), name);
}

TEST(ChatTemplates, EqualHuggingFaceOnSmolLm2) {
  HONE_NEED_SMOLLM2();
  const auto tokenizer = load_tokenizer(smollm2_gguf());
  expect_golden_chats(*tokenizer, "smollm2");
  EXPECT_EQ(make_chat_template("auto", *tokenizer)->name(), "smollm2");
}

// What transformers renders with the Jinja texts that go out with trained models is what Hone itself writes.
TEST(ChatTemplates, TextsThatAreCarriedRenderAlike) {
  const auto tokenizer = load_tokenizer(golden("llama3"));
  const Json templates = golden_json("written_templates.json").at("templates");
  for (const ChatFormat& format : chat_formats()) {
    const Json& expected = templates.at(format.name);
    EXPECT_EQ(expected.at("jinja").get<std::string>(), format.jinja) << "make the golden values anew";
    const auto chat = make_chat_template(format.name, *tokenizer);
    for (const Json& row : expected.at("rows")) {
      std::vector<Message> messages = messages_of(row);
      EXPECT_EQ(chat->render(messages, *tokenizer, false).text, row.at("text").get<std::string>());
      messages.pop_back();
      EXPECT_EQ(chat->render(messages, *tokenizer, true).text, row.at("prompt").get<std::string>());
    }
  }
}

TEST(ChatTemplates, AModelCarriesWhatItWasTrainedWith) {
  const std::string chatml = golden_json("templates.json").at("chatml").get<std::string>();
  EXPECT_EQ(template_to_carry("chatml", chatml), "") << "its own text stays";
  for (const ChatFormat& format : chat_formats()) {
    EXPECT_EQ(template_to_carry(format.name, ""), format.jinja);
    EXPECT_EQ(recognize_template(format.jinja).value_or("unknown"), format.name);
  }
  EXPECT_EQ(template_to_carry("none", chatml), "");
  EXPECT_EQ(template_to_carry("zephyr", "{{ unknown }}"), template_to_carry("zephyr", ""));
}

TEST(ChatTemplates, SuperviseContentAndEndTokenOnly) {
  const auto tokenizer = load_tokenizer(golden("qwen2"));
  const auto chat = make_chat_template("chatml", *tokenizer);
  const RenderedChat rendered = chat->render({{"user", "a"}, {"assistant", "b"}}, *tokenizer, false);
  std::string supervised;
  for (std::size_t i = 0; i < rendered.ids.size(); ++i)
    if (rendered.supervised[i]) supervised += tokenizer->token(rendered.ids[i]);
  EXPECT_EQ(supervised, "b<|im_end|>");
}

// As in Stanford Alpaca's data set, column `text`.
TEST(AlpacaTemplate, WritesTheClassicPromptWithAndWithoutInput) {
  const auto tokenizer = load_tokenizer(golden("gpt2"));
  const auto chat = make_chat_template("alpaca", *tokenizer);
  const auto text = [&](const char* instruction, const char* input) {
    return chat
        ->render({{"user", alpaca_user_turn(instruction, input)}, {"assistant", "Out"}}, *tokenizer, false)
        .text;
  };
  EXPECT_EQ(
      text("Do it.", ""),
      "Below is an instruction that describes a task. Write a response that appropriately completes the "
      "request.\n\n### Instruction:\nDo it.\n\n### Response:\nOut</s>");
  EXPECT_EQ(
      text("Do it.", "With this."),
      "Below is an instruction that describes a task, paired with an input that provides further context. "
      "Write "
      "a response that appropriately completes the request.\n\n### Instruction:\nDo it.\n\n### Input:\nWith "
      "this.\n\n### Response:\nOut</s>");
}

TEST(TemplateRecognition, KnowsTheTextsThatModelsCarry) {
  const Json sources = golden_json("templates.json");
  for (const char* name : {"chatml", "smollm2", "zephyr", "llama3"})
    EXPECT_EQ(recognize_template(sources.at(name).get<std::string>()).value_or("unknown"), name);
}

TEST(TemplateRecognition, IgnoresWhatDoesNotChangeTheText) {
  EXPECT_EQ(recognize_template(
                "{%- for message in messages -%}\n  {{- \"<|im_start|>\" ~ message['role'] ~ \"\\n\" -}}\n"
                "  {{- message[\"content\"] + '<|im_end|>\\n' -}}\n{%- endfor -%}\n"
                "{%- if add_generation_prompt -%}\n  {{- '<|im_start|>assistant\\n' -}}\n{%- endif -%}\n")
                .value_or("unknown"),
            "chatml");
  EXPECT_EQ(recognize_template("{% for message in messages %}\n    {% if message['role'] == 'user' %}\n"
                               "{{ '<|user|>\n' + message['content'] + eos_token }}\n"
                               "    {% elif message['role'] == 'system' %}\n"
                               "{{ '<|system|>\n' + message['content'] + eos_token }}\n"
                               "\t{% elif message['role'] == 'assistant' %}\n"
                               "{{ '<|assistant|>\n' + message['content'] + eos_token }}\n    {% endif %}\n"
                               "    {% if loop.last and add_generation_prompt %}\n{{ '<|assistant|>' }}\n"
                               "    {% endif %}\n{% endfor %}\n")
                .value_or("unknown"),
            "zephyr");
  EXPECT_EQ(recognize_template(
                "{# ours #}{% if not add_generation_prompt is defined %}"
                "{% set add_generation_prompt = false %}{% endif %}"
                "{% for message in messages %}<|im_start|>{{ message.role }}{{ '\n' }}{% generation %}"
                "{{ message.content }}{% endgeneration %}<|im_end|>\n{% endfor %}"
                "{% if add_generation_prompt %}<|im_start|>assistant\n\n{% endif %}")
                .value_or("unknown"),
            "unknown")
      << "this one ends its generation prompt with two line ends";
  EXPECT_EQ(recognize_template(
                "{# ours #}{% if not add_generation_prompt is defined %}"
                "{% set add_generation_prompt = false %}{% endif %}"
                "{% for message in messages %}<|im_start|>{{ message.role }}{{ '\n' }}{% generation %}"
                "{{ message.content }}{% endgeneration %}<|im_end|>\n{% endfor %}"
                "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}")
                .value_or("unknown"),
            "chatml");
  EXPECT_EQ(recognize_template("{# ours #}{% if not add_generation_prompt is defined %}"
                               "{% set add_generation_prompt = false %}{% endif %}"
                               "{% for message in messages %}<|im_start|>{{ message.role }}\n{% generation %}"
                               "{{ message.content }}{% endgeneration %}<|im_end|>\n\n{% endfor %}"
                               "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}")
                .value_or("unknown"),
            "unknown")
      << "two line ends are not ChatML's one";
}

TEST(TemplateRecognition, RefusesWhatRendersOtherwise) {
  const Json sources = golden_json("templates.json");
  const auto changed = [&](const char* name, const std::string& from, const std::string& to) {
    std::string source = sources.at(name).get<std::string>();
    const auto at = source.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return recognize_template(source.replace(at, from.size(), to));
  };
  EXPECT_FALSE(changed("smollm2", "SmolLM", "Qwen"));
  EXPECT_FALSE(changed("smollm2", "!= 'system'", "== 'system'"));
  EXPECT_FALSE(changed("chatml", "message['content']", "message['content'] | trim"));
  EXPECT_FALSE(changed("chatml", "{% for", "{{ bos_token }}{% for"));
  EXPECT_FALSE(changed("llama3", "| trim", ""));
  EXPECT_FALSE(changed("llama3", "<|eot_id|>", "<|end|>"));
  EXPECT_FALSE(changed("zephyr", "eos_token", "'</s>'"));
  EXPECT_FALSE(recognize_template(""));
  EXPECT_FALSE(recognize_template("{{ unfinished"));
  EXPECT_FALSE(recognize_template("{% if 'a"));
  EXPECT_FALSE(recognize_template(std::string(1 << 20, '{')));
}

TEST(ChatTemplates, ErrorsNameTheOptionAndTheChoices) {
  const auto plain = load_tokenizer(golden("gpt2"));
  const auto custom = load_tokenizer(golden("custom"));
  EXPECT_EQ(error_code([&] { make_chat_template("vicuna", *plain); }, Exit::usage), "CT001");
  EXPECT_EQ(error_code([&] { make_chat_template("auto", *plain); }, Exit::usage), "CT002");
  EXPECT_EQ(error_code([&] { make_chat_template("llama3", *custom); }, Exit::usage), "CT005");
  EXPECT_EQ(error_code(
                [&] {
                  make_chat_template("none", *plain)->render({{"user", "x"}}, *plain, false);
                },
                Exit::usage),
            "CT004");
  EXPECT_EQ(error_code([&] {
              make_chat_template("chatml", *plain)->render({{"tool", "x"}}, *plain, false);
            }),
            "CT003");
  try {
    make_chat_template("auto", *plain);
  } catch (const Error& error) {
    for (const char* name : {"smollm2", "chatml", "zephyr", "llama3", "alpaca", "none"})
      EXPECT_NE(std::string(error.what()).find(name), std::string::npos) << name;
  }
}

TEST(ChatTemplates, InvalidUtf8InAContentIsReplaced) {
  const auto tokenizer = load_tokenizer(golden("llama3"));
  for (const char* name : {"chatml", "llama3"}) {
    const auto rendered =
        make_chat_template(name, *tokenizer)->render({{"assistant", "a\xFF\xE2\x82"}}, *tokenizer, false);
    EXPECT_NE(rendered.text.find("a\uFFFD\uFFFD<|"), std::string::npos);
    EXPECT_EQ(rendered.ids, tokenizer->encode(rendered.text, false));
  }
}

TEST(ChatTemplates, FingerprintsTellThemApart) {
  const auto a = load_tokenizer(golden("gpt2")), b = load_tokenizer(golden("qwen2"));
  EXPECT_NE(make_chat_template("chatml", *a)->fingerprint(), make_chat_template("zephyr", *a)->fingerprint());
  EXPECT_EQ(make_chat_template("chatml", *a)->fingerprint(), make_chat_template("chatml", *b)->fingerprint());
  EXPECT_NE(make_chat_template("zephyr", *a)->fingerprint(), make_chat_template("zephyr", *b)->fingerprint());
}

}  // namespace
}  // namespace hone::data
