#pragma once
// Help that teaches, made from the same field lists that the options come from.
#include <string>
#include <vector>

#include "launcher/options/command.h"

namespace hone::launcher {

std::string general_help(const std::vector<Command>& table);  // hone --help
std::string command_help(const Command& command);             // hone <command> --help

}  // namespace hone::launcher
