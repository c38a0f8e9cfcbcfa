#pragma once
// The registry of chat templates: one writer each, and the Jinja text that writes the same.
//
// alpaca writes what Stanford Alpaca's data set shows in its `text` column: a preamble, "### Instruction:",
// where there is one "### Input:", "### Response:" on a line of its own, the answer and the end-of-sequence
// token. A user turn made by alpaca_user_turn() carries the input. A system turn stands in the preamble's
// place; further turns follow after an empty line.
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/text/chat_script.h"

namespace hone::data {

struct SpecialTexts {
  std::string bos, eos;
};

struct ChatFormat {
  const char* name;
  bool needs_bos, needs_eos;
  void (*write)(const std::vector<Message>& messages, const SpecialTexts& tokens, bool generation_prompt,
                ChatScript& out);
  const char* jinja;  // as models carry it: what a tokenizer is exported with, and recognised by
};

std::span<const ChatFormat> chat_formats();

std::string alpaca_user_turn(std::string_view instruction, std::string_view input);

}  // namespace hone::data
