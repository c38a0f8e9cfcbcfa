#pragma once
// The words after `hone <command>` (and the config files they name) as a config. Boost.Program_options cuts
// the words, with guessing off; keys, values and messages are ours.
#include <map>
#include <span>
#include <string>
#include <vector>

#include "launcher/options/command.h"
#include "launcher/options/config.h"

namespace hone::launcher {

struct CommandLine {
  Config config;
  ExtraOptions extra = ExtraOptions::none();
  std::vector<std::string> arguments;
  std::map<std::string, std::string> given;  // key -> where it was given last: "sft.cfg:12", "--optim.lr"
  bool help = false;
  bool print_config = false;
};

// Config files in their order, then the command line: later beats earlier. Errors: exit 2 (US00x, CF00x)
// naming the option or file:line; a config file that is not there exit 3.
CommandLine parse_command_line(const Command& command, std::span<const std::string> words);

// Error(Exit::usage, "US009") where a key that the command cannot do without is empty.
void require_given(const CommandLine& line, const std::string& key);

}  // namespace hone::launcher
