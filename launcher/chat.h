#pragma once
// A conversation on the terminal (or from a pipe): a line of standard input is a user's turn, the answer
// appears as it is made. /reset begins anew, /exit or the end of input ends. One process.
#include "core/model/model.h"
#include "launcher/build_data.h"
#include "launcher/command_context.h"
#include "launcher/generation.h"

namespace hone::launcher {

struct ChatOptions {
  std::vector<data::Message> opening;  // turns before the user's first, after /reset too
  bool json = false;  // a JSON line {"index", "text", "ids"} an answer instead of the text as it comes
};
void chat(CommandContext& context, const model::Model& model, const TextTools& tools,
          const TextSettings& settings, ChatOptions options);

}  // namespace hone::launcher
