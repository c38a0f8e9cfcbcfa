#pragma once
// A row as a question to be answered: everything before the last answer, ready for generation, and that answer.
#include <cstdint>
#include <string>
#include <vector>

#include "data/source/example.h"
#include "data/text/chat_template.h"
#include "data/text/tokenizer.h"

namespace hone::data {

struct PromptedRow {
  std::vector<std::int32_t> ids;  // with the header of the assistant's turn
  std::string question;           // the last user turn, or the plain prompt
  std::string expected;
  std::int64_t row = 0;
};

// Throws DS017 (exit 3) where the row has no answer to leave out or nothing before it (plain `text` rows).
PromptedRow prompted_row(const Example& example, const Tokenizer& tokenizer,
                         const ChatTemplate& chat_template);

}  // namespace hone::data
