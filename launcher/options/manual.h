#pragma once
// Manual pages (roff, man macros) and the reference in Markdown, all from the table of commands and its
// options.
#include <string>
#include <vector>

#include "launcher/options/command.h"

namespace hone::launcher {

// hone(1), and hone-<command>(1).
std::string general_manual(const std::vector<Command>& table, const std::string& version);
std::string command_manual(const Command& command, const std::string& version);

// Every key and every command on one page: docs/options.md.
std::string options_reference(const std::vector<Command>& table);

}  // namespace hone::launcher
