#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "core/base/error.h"
#include "core/base/file_system.h"
#include "launcher/command_context.h"
#include "launcher/commands.h"
#include "launcher/options/command_options.h"
#include "launcher/report/report.h"

namespace hone::launcher {
namespace {

using Runs = std::vector<report::ReportInput>;

Runs load_runs(const std::vector<std::string>& folders) {
  Runs runs;
  std::vector<std::string> paths;
  for (const std::string& folder : folders) {
    if (!is_directory(folder))
      throw Error(Exit::input, "FS001", "cannot read", folder, "not a folder that exists");
    Runs loaded = report::load_runs(folder);
    for (report::ReportInput& run : loaded) {
      paths.push_back(loaded.size() == 1 ? folder : folder + "/" + run.name);
      runs.push_back(std::move(run));
    }
  }
  // Runs are told apart by their folders' names, or where two are called the same by their paths.
  std::map<std::string, int> count;
  for (const report::ReportInput& run : runs) ++count[run.name];
  for (std::size_t i = 0; i < runs.size(); ++i)
    if (count[runs[i].name] > 1) runs[i].name = paths[i];
  return runs;
}

bool any_goes_on(const Runs& runs) {
  return std::any_of(runs.begin(), runs.end(),
                     [](const auto& run) { return !run.status || !run.status->exit_code; });
}

}  // namespace

int run_report(CommandContext& context) {
  if (context.session.rank() != 0) return 0;
  const auto& options = context.options<ReportOptions>();
  const std::vector<std::string>& folders = context.arguments();
  const std::string path = options.output.empty() ? folders.front() + "/report.html" : options.output;
  Runs runs = load_runs(folders);
  if (options.watch) context.log.info("watching: {}", path);
  while (options.watch && any_goes_on(runs)) {
    report::write_report(runs, path, options.every_s);
    std::this_thread::sleep_for(std::chrono::duration<double>(options.every_s));
    runs = load_runs(folders);
  }
  report::write_report(runs, path);
  context.out.json({{"report", path}});
  return 0;
}

}  // namespace hone::launcher
