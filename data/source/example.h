#pragma once
// One row of user data, after its keys were understood and before it became tokens.
#include <cstdint>
#include <string>
#include <vector>

#include "data/text/chat_template.h"

namespace hone::data {

enum class RowKind { chat, plain };

struct Example {
  RowKind kind = RowKind::chat;
  std::vector<Message> prompt;    // chat: turns that are never supervised (prompt + completion rows)
  std::vector<Message> messages;  // chat: turns whose assistant turns are supervised
  std::string prompt_text;        // plain: not supervised (with train_on = completion)
  std::string completion_text;    // plain: supervised
  std::string instruction;        // Alpaca rows: as given, for template = alpaca;
  std::string input;              //   `messages` has the row as one user and one assistant turn
  std::int64_t row = 0;           // number of the input row, from 0
};

}  // namespace hone::data
