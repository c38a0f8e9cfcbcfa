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

constexpr ChatFormat kFormats[] = {{"smollm2", false, false, write_smollm2},
                                   {"chatml", false, false, write_chatml},
                                   {"zephyr", false, true, write_zephyr},
                                   {"llama3", true, false, write_llama3},
                                   {"alpaca", false, true, write_alpaca}};

}  // namespace

std::span<const ChatFormat> chat_formats() { return kFormats; }

std::string alpaca_user_turn(std::string_view instruction, std::string_view input) {
  std::string out(instruction);
  if (!input.empty()) out.append(kAlpacaInputHeader).append(input);
  return out;
}

}  // namespace hone::data
