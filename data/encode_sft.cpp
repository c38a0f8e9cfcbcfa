#include "data/encode_sft.h"

#include <algorithm>

#include "core/base/error.h"

namespace hone::data {
namespace {

std::size_t common_prefix(const std::vector<std::int32_t>& a, const std::vector<std::int32_t>& b) {
  const auto end = std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first;
  return static_cast<std::size_t>(end - a.begin());
}

void clear_front(std::vector<std::uint8_t>& supervised, std::size_t count) {
  std::fill_n(supervised.begin(), std::min(count, supervised.size()), std::uint8_t{0});
}

Sample encode_chat(const Example& example, const Tokenizer& tokenizer, const ChatTemplate& chat_template) {
  std::vector<Message> turns = example.prompt;
  turns.insert(turns.end(), example.messages.begin(), example.messages.end());
  RenderedChat whole = chat_template.render(turns, tokenizer, false);
  if (!example.prompt.empty()) {
    const RenderedChat prompt = chat_template.render(example.prompt, tokenizer, true);
    if (!whole.text.starts_with(prompt.text))
      throw Error(Exit::input, "DS015", "completion does not continue its prompt",
                  "template " + chat_template.name(),
                  "the rendered conversation does not begin with the rendered prompt",
                  "a completion begins with an assistant turn");
    // Where a token spans the seam, it counts as what follows.
    clear_front(whole.supervised, common_prefix(prompt.ids, whole.ids));
  }
  return {std::move(whole.ids), std::move(whole.supervised), example.row};
}

Sample encode_plain(const Example& example, const Tokenizer& tokenizer) {
  Sample sample;
  sample.row = example.row;
  sample.ids = tokenizer.encode(example.prompt_text + example.completion_text, true);
  const std::int32_t eos = tokenizer.eos_id();
  if (eos >= 0 && (sample.ids.empty() || sample.ids.back() != eos)) sample.ids.push_back(eos);
  sample.supervised.assign(sample.ids.size(), 1);
  if (!example.prompt_text.empty())
    clear_front(sample.supervised, common_prefix(tokenizer.encode(example.prompt_text, true), sample.ids));
  return sample;
}

bool is_blank(const std::string& text) { return text.find_first_not_of(" \t\r\n") == std::string::npos; }

// The alpaca template gets instruction and input as the two sections of its user turn.
Example worded_for_alpaca(Example example) {
  example.messages.front().content = example.instruction + "\n\n### Input:\n" + example.input;
  return example;
}

}  // namespace

Sample encode_sft(const Example& example, const Tokenizer& tokenizer, const ChatTemplate& chat_template) {
  if (example.kind == RowKind::plain) return encode_plain(example, tokenizer);
  const bool sections = chat_template.name() == "alpaca" && !example.input.empty();
  return encode_chat(sections ? worded_for_alpaca(example) : example, tokenizer, chat_template);
}

bool has_empty_answer(const Example& example) {
  if (example.kind == RowKind::plain) return is_blank(example.completion_text);
  return std::any_of(example.messages.begin(), example.messages.end(),
                     [](const Message& m) { return m.role == "assistant" && is_blank(m.content); });
}

}  // namespace hone::data
