#include "core/base/file_system.h"
#include "launcher/command_context.h"
#include "launcher/commands.h"
#include "launcher/options/command_options.h"
#include "launcher/options/completion.h"
#include "launcher/options/manual.h"

namespace hone::launcher {

int run_completion(CommandContext& context) {
  context.out.text(completion_script(context.arguments().front(), commands()));
  return 0;
}

int run_manual(CommandContext& context) {
  if (context.session.rank() != 0) return 0;
  const auto& options = context.options<ManualOptions>();
  const std::string general = general_manual(commands(), HONE_VERSION);
  if (!options.output.empty()) {
    make_directories(options.output);
    write_file_atomic(options.output + "/hone.1", general);
    for (const Command& command : commands())
      write_file_atomic(options.output + "/hone-" + command.name + ".1",
                        command_manual(command, HONE_VERSION));
  } else if (options.format == "markdown") {
    context.out.text(options_reference(commands()));
  } else if (context.arguments().empty()) {
    context.out.text(general);
  } else {
    context.out.text(command_manual(find_command(commands(), context.arguments().front()), HONE_VERSION));
  }
  return 0;
}

}  // namespace hone::launcher
