#include <vector>

#include "core/base/error.h"
#include "core/base/file_system.h"
#include "launcher/command_context.h"
#include "launcher/commands.h"
#include "launcher/options/command_options.h"
#include "launcher/report/report.h"

namespace hone::launcher {

int run_report(CommandContext& context) {
  if (context.session.rank() != 0) return 0;
  std::vector<report::ReportInput> runs;
  for (const std::string& folder : context.arguments()) {
    if (!is_directory(folder))
      throw Error(Exit::input, "FS001", "cannot read", folder, "not a folder that exists");
    runs.push_back(report::load_run(folder));
  }
  const std::string& wanted = context.options<ReportOptions>().output;
  const std::string path = wanted.empty() ? context.arguments().front() + "/report.html" : wanted;
  report::write_report(runs, path);
  context.out.json({{"report", path}});
  return 0;
}

}  // namespace hone::launcher
