#pragma once
// Completion scripts for shells: commands, their options, and the values of options that have a choice; file
// names everywhere else.
#include <string>
#include <vector>

#include "launcher/options/command.h"

namespace hone::launcher {

// `shell`: bash, zsh or fish, else Error(Exit::usage, "US012").
std::string completion_script(const std::string& shell, const std::vector<Command>& table);

}  // namespace hone::launcher
