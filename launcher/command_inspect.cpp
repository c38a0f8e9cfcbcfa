#include <map>

#include "launcher/command_context.h"
#include "launcher/commands.h"
#include "launcher/inspect/inspect.h"
#include "launcher/options/command_options.h"

namespace hone::launcher {
namespace {

std::string folder_of(const CommandContext& context) {
  if (context.arguments().size() == 2) return context.arguments()[1];
  throw Error(Exit::usage, "US008", "argument missing", "",
              "usage: hone inspect " + context.arguments()[0] + " DIR");
}

void tokens(CommandContext& context) {
  context.require("model.path");
  context.require("input");
  const auto& options = context.options<InspectOptions>();
  inspect_tokens(context.config().model.path, options.input, options.special, context.out,
                 context.config().data.new_tokens);
}

void chat(CommandContext& context) {
  context.require("model.path");
  context.require("input");
  inspect_chat(context.config().model.path, context.config().data.chat_template,
               context.options<InspectOptions>().input, context.out, context.config().data.new_tokens);
}

void model(CommandContext& context) {
  if (context.arguments().size() == 2) return inspect_model(context.arguments()[1], context.out);
  context.require("model.path");
  inspect_model(context.config().model.path, context.out);
}

void prepared_data(CommandContext& context) { inspect_data(folder_of(context), context.out); }
void saved_checkpoint(CommandContext& context) { inspect_checkpoint(folder_of(context), context.out); }

}  // namespace

int run_inspect(CommandContext& context) {
  static const std::map<std::string, void (*)(CommandContext&)> kinds = {{"model", model},
                                                                         {"tokens", tokens},
                                                                         {"chat", chat},
                                                                         {"data", prepared_data},
                                                                         {"checkpoint", saved_checkpoint}};
  const std::string& wanted = context.arguments().front();
  const auto kind = kinds.find(wanted);
  if (kind == kinds.end())
    throw Error(Exit::usage, "US008", "nothing of that kind to inspect", "",
                "\"" + wanted.substr(0, 60) + "\"", "model, tokens, chat, data or checkpoint");
  const bool takes_model_path = wanted == "tokens" || wanted == "chat";
  if (takes_model_path && context.arguments().size() > 1)
    throw Error(Exit::usage, "US008", "unexpected argument", "",
                "\"" + context.arguments()[1].substr(0, 60) + "\"",
                "hone inspect " + wanted + " takes --model.path");
  if (context.session.rank() == 0) kind->second(context);
  return 0;
}

}  // namespace hone::launcher
