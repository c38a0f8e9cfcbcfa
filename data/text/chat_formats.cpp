#include "data/text/chat_formats.h"

#include "data/text/utf8.h"

namespace hone::data {
namespace {

constexpr std::string_view kSmolLm2System =
    "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n";
constexpr std::string_view kAlpacaTask = "Below is an instruction that describes a task";
constexpr std::string_view kAlpacaInput = ", paired with an input that provides further context";
constexpr std::string_view kAlpacaRequest =
    ". Write a response that appropriately completes the request.\n\n";
constexpr std::string_view kAlpacaInputHeader = "\n\n### Input:\n";
constexpr std::string_view kAlpacaResponseHeader = "### Response:\n";

// A turn's content with its end token.
void write_turn(const Message& message, const std::string& text, ChatScript& out) {
  if (message.role == "assistant")
    out.supervised(text);
  else
    out.plain(text);
}

void write_chatml(const std::vector<Message>& messages, const SpecialTexts&, bool generation_prompt,
                  ChatScript& out) {
  for (const Message& message : messages) {
    out.plain("<|im_start|>" + message.role + "\n");
    write_turn(message, message.content + "<|im_end|>", out);
    out.plain("\n");
  }
  if (generation_prompt) out.plain("<|im_start|>assistant\n");
}

void write_smollm2(const std::vector<Message>& messages, const SpecialTexts& tokens, bool generation_prompt,
                   ChatScript& out) {
  if (!messages.empty() && messages.front().role != "system") out.plain(kSmolLm2System);
  write_chatml(messages, tokens, generation_prompt, out);
}

void write_zephyr(const std::vector<Message>& messages, const SpecialTexts& tokens, bool generation_prompt,
                  ChatScript& out) {
  for (const Message& message : messages) {
    out.plain("<|" + message.role + "|>\n");
    write_turn(message, message.content + tokens.eos, out);
    out.plain("\n");
  }
  if (generation_prompt) out.plain("<|assistant|>\n");
}

// What Python's str.strip() takes off: White_Space and the four information separators.
bool is_stripped(char32_t c) { return is_space(c) || (c >= 0x1C && c <= 0x1F); }

std::string strip(const std::string& raw) {
  const std::string text = is_valid_utf8(raw) ? raw : replace_invalid_utf8(raw);
  std::size_t begin = 0, end = text.size();
  while (begin < end && is_stripped(code_point_at(text, begin).value))
    begin += code_point_at(text, begin).length;
  while (end > begin && is_stripped(code_point_before(text, end).value))
    end -= code_point_before(text, end).length;
  return text.substr(begin, end - begin);
}

void write_llama3(const std::vector<Message>& messages, const SpecialTexts& tokens, bool generation_prompt,
                  ChatScript& out) {
  if (!messages.empty()) out.plain(tokens.bos);
  for (const Message& message : messages) {
    out.plain("<|start_header_id|>" + message.role + "<|end_header_id|>\n\n");
    write_turn(message, strip(message.content) + "<|eot_id|>", out);
  }
  if (generation_prompt) out.plain("<|start_header_id|>assistant<|end_header_id|>\n\n");
}

void write_alpaca(const std::vector<Message>& messages, const SpecialTexts& tokens, bool generation_prompt,
                  ChatScript& out) {
  std::string_view previous;
  for (const Message& message : messages) {
    if (message.role == "system") {
      out.plain(message.content + "\n\n");
    } else if (message.role == "user") {
      if (previous.empty()) {
        const bool input = message.content.find(kAlpacaInputHeader) != std::string::npos;
        out.plain(kAlpacaTask).plain(input ? kAlpacaInput : "").plain(kAlpacaRequest);
      }
      if (previous == "assistant") out.plain("\n\n");
      out.plain("### Instruction:\n" + message.content + "\n\n");
    } else {
      out.plain(kAlpacaResponseHeader).supervised(message.content + tokens.eos);
    }
    previous = message.role;
  }
  if (generation_prompt) out.plain(kAlpacaResponseHeader);
}

constexpr const char* kChatml = R"jinja({% for message in messages %}
{{ '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>' + '\n' }}{% endfor %}
{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %})jinja";

constexpr const char* kSmolLm2 = R"jinja({% for message in messages %}
{% if loop.first and messages[0].role != 'system' %}
{{ '<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n' -}}
{% endif %}
{{ '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>' + '\n' }}{% endfor %}
{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %})jinja";

constexpr const char* kZephyr = R"jinja({% for message in messages %}
{% if message.role == 'user' %}
{{ '<|user|>\n' + message.content + eos_token }}
{% elif message.role == 'system' %}
{{ '<|system|>\n' + message.content + eos_token }}
{% elif message.role == 'assistant' %}
{{ '<|assistant|>\n' + message.content + eos_token }}
{% endif %}
{% if loop.last and add_generation_prompt %}
{{ '<|assistant|>' }}
{% endif %}
{% endfor %})jinja";

constexpr const char* kLlama3 = R"jinja({% set loop_messages = messages %}{% for message in loop_messages %}
{% set content = '<|start_header_id|>' + message.role + '<|end_header_id|>\n\n' + message.content | trim + '<|eot_id|>' %}
{% if loop.first %}{% set content = bos_token + content %}{% endif %}
{{ content -}}
{% endfor %}
{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %})jinja";

constexpr const char* kAlpaca = R"jinja({% for message in messages %}
{% if message.role == 'system' %}
{{ message.content + '\n\n' -}}
{% elif message.role == 'user' %}
{% if loop.first %}
{{ 'Below is an instruction that describes a task' -}}
{% if '\n\n### Input:\n' in message.content %}
{{ ', paired with an input that provides further context' -}}
{% endif %}
{{ '. Write a response that appropriately completes the request.\n\n' -}}
{% elif messages[loop.index0 - 1].role == 'assistant' %}
{{ '\n\n' -}}
{% endif %}
{{ '### Instruction:\n' + message.content + '\n\n' -}}
{% else %}
{{ '### Response:\n' + message.content + eos_token -}}
{% endif %}
{% endfor %}
{% if add_generation_prompt %}{{ '### Response:\n' }}{% endif %})jinja";

constexpr ChatFormat kFormats[] = {{"smollm2", false, false, write_smollm2, kSmolLm2},
                                   {"chatml", false, false, write_chatml, kChatml},
                                   {"zephyr", false, true, write_zephyr, kZephyr},
                                   {"llama3", true, false, write_llama3, kLlama3},
                                   {"alpaca", false, true, write_alpaca, kAlpaca}};

}  // namespace

std::span<const ChatFormat> chat_formats() { return kFormats; }

std::string alpaca_user_turn(std::string_view instruction, std::string_view input) {
  std::string out(instruction);
  if (!input.empty()) out.append(kAlpacaInputHeader).append(input);
  return out;
}

}  // namespace hone::data
