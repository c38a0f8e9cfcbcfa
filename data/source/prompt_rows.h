#pragma once
// Prompts to be continued: JSON Lines rows with `prompt` (a string) or `messages`.
#include <string>
#include <vector>

#include "data/text/chat_template.h"

namespace hone::data {

struct PromptRow {
  std::string prompt;
  std::vector<Message> messages;  // or these
};

// DS006 where a row has neither key.
std::vector<PromptRow> read_prompt_rows(const std::string& path);

}  // namespace hone::data
