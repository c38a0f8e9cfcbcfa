#include "launcher/options/command.h"

#include "core/base/string_distance.h"

namespace hone::launcher {

const Command& find_command(const std::vector<Command>& table, const std::string& name) {
  std::vector<std::string> names;
  for (const Command& command : table) {
    if (command.name == name) return command;
    names.push_back(command.name);
  }
  const std::string near = nearest_name(name, names);
  throw Error(Exit::usage, "US002", "unknown command", "", "\"" + name.substr(0, 60) + "\"",
              near.empty() ? "hone --help lists the commands" : "did you mean " + near + "?");
}

}  // namespace hone::launcher
