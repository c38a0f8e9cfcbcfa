#pragma once
// The commands. One line an entry in commands.cpp; a command itself lives in command_<name>.cpp.
#include <vector>

#include "launcher/options/command.h"

namespace hone::launcher {

const std::vector<Command>& commands();

int run_prepare(CommandContext& context);
int run_train(CommandContext& context);
int run_merge(CommandContext& context);
int run_generate(CommandContext& context);
int run_evaluate(CommandContext& context);
int run_convert(CommandContext& context);
int run_inspect(CommandContext& context);
int run_plan(CommandContext& context);
int run_report(CommandContext& context);
int run_completion(CommandContext& context);
int run_manual(CommandContext& context);

}  // namespace hone::launcher
