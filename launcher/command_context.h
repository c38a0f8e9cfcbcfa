#pragma once
// What a command is given: its command line as a config, this rank's place, and where to say things.
#include <memory>
#include <string>

#include "core/base/clock.h"
#include "core/base/file_system.h"
#include "core/base/log.h"
#include "core/base/text_output.h"
#include "dist/mpi_session.h"
#include "launcher/options/command_line.h"

namespace hone::launcher {

struct CommandContext {
  dist::MpiSession& session;
  Log& log;         // for people: standard error of rank 0, and the run's log files once they are opened
  TextOutput& out;  // for scripts: standard output of rank 0, nothing on others
  CommandLine line;
  Clock clock = steady_clock();
  double began = clock();
  std::string run_dir = {};  // set by a command that has one: a failure is then stated in its status.json
  std::int64_t step = 0;     // and the step it happened at
  std::unique_ptr<FileLock> run_lock = {};  // rank 0's, for as long as the command runs

  double seconds() const { return clock() - began; }  // since the command began
  Config& config() { return line.config; }
  const std::vector<std::string>& arguments() const { return line.arguments; }
  template <class Options>
  const Options& options() const {
    return line.extra.get<Options>();
  }
  bool given(const std::string& key) const { return line.given.contains(key); }
  void require(const std::string& key) const { require_given(line, key); }
};

}  // namespace hone::launcher
