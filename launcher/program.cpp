#include "launcher/program.h"

#include <csignal>
#include <cstdlib>
#include <exception>
#include <span>

#include "core/base/failure.h"
#include "core/base/fault_point.h"
#include "core/base/run_status.h"
#include "launcher/command_context.h"
#include "launcher/commands.h"
#include "launcher/options/help.h"
#include "launcher/version.h"

namespace hone::launcher {
namespace {

int run_command(const Command& command, std::span<const std::string> words, CommandContext& context) {
  context.line = parse_command_line(command, words);
  if (context.line.help) return context.out.text(command_help(command)), 0;
  if (context.line.print_config) return context.out.text(print_config(context.config())), 0;
  return command.run(context);
}

// A run that is made to fail says so.
void arm_fault(CommandContext& context) {
  const char* setting = std::getenv("HONE_FAIL_AT");
  if (!setting) return;
  arm_fault_point(setting, context.session.rank());
  context.log.warning("HONE_FAIL_AT is set: made to fail at {}", setting);
  fault_point("start");
}

int dispatch(const std::vector<std::string>& words, CommandContext& context) {
  arm_fault(context);
  dist::require_whole_world(context.session);
  if (words.empty())
    throw Error(Exit::usage, "US001", "no command", "", "usage: hone <command> [options]",
                "hone --help lists the commands");
  const std::string& first = words.front();
  if (first == "help" && words.size() > 1)
    return context.out.text(command_help(find_command(commands(), words[1]))), 0;
  if (first == "--help" || first == "-h" || first == "help")
    return context.out.text(general_help(commands())), 0;
  if (first == "--version") return context.out.text(version_text()), 0;
  return run_command(find_command(commands(), first), std::span(words).subspan(1), context);
}

void note_in_status(const CommandContext& context, const Error& error) {
  if (context.run_dir.empty()) return;
  try {
    write_status(context.run_dir, {"failed", context.step, error.what(), static_cast<int>(error.exit())});
  } catch (const Error&) {  // the failure being reported may be the very disk that this would be written to
  }
}

int fail(const CommandContext& context, const Error& error) {
  note_in_status(context, error);
  if (!context.session.launched()) {
    context.log.failure(error.what());
    return static_cast<int>(error.exit());
  }
  context.log.clear_status_line();
  context.log.write_file_only(error.what());
  std::signal(SIGTERM, SIG_DFL);  // a rank that is ended by another one's failure says nothing more
  context.session.fail(error);
}

}  // namespace

int run_program(const std::vector<std::string>& words, dist::MpiSession& session) {
  Log log({.rank = session.rank()});
  TextOutput out(session.rank() == 0 ? stdout : nullptr);
  CommandContext context{.session = session, .log = log, .out = out, .line = {}};
  try {
    const int code = dispatch(words, context);
    out.flush();
    return code;
  } catch (...) {
    return fail(context, as_error(std::current_exception()));
  }
}

}  // namespace hone::launcher
