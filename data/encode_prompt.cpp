#include "data/encode_prompt.h"

#include "core/base/error.h"
#include "data/text/chat_formats.h"

namespace hone::data {
namespace {

[[noreturn]] void refuse(const Example& example, const char* why) {
  throw Error(Exit::input, "DS017", "row cannot be answered", "row " + std::to_string(example.row), why,
              "generation needs a prompt and an expected answer");
}

PromptedRow from_plain(const Example& example, const Tokenizer& tokenizer) {
  if (example.prompt_text.empty()) refuse(example, "no prompt");
  return {tokenizer.encode_prompt(example.prompt_text), example.prompt_text, example.completion_text,
          example.row};
}

}  // namespace

PromptedRow prompted_row(const Example& example, const Tokenizer& tokenizer,
                         const ChatTemplate& chat_template) {
  if (example.kind == RowKind::plain) return from_plain(example, tokenizer);
  std::vector<Message> turns = example.prompt;
  turns.insert(turns.end(), example.messages.begin(), example.messages.end());
  while (!turns.empty() && turns.back().role != "assistant") turns.pop_back();
  if (turns.size() < 2) refuse(example, "no assistant turn after another one");
  PromptedRow prompted;
  prompted.row = example.row;
  prompted.expected = turns.back().content;
  turns.pop_back();
  prompted.question = turns.back().content;
  if (chat_template.name() == "alpaca" && !example.instruction.empty())
    turns.front().content = alpaca_user_turn(example.instruction, example.input);
  prompted.ids = chat_template.render(turns, tokenizer, /*generation_prompt=*/true).ids;
  return prompted;
}

}  // namespace hone::data
