#include "launcher/dry_run.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "core/base/file_system.h"
#include "dist/launch_check.h"
#include "launcher/build_data.h"
#include "launcher/options/config.h"
#include "launcher/run_folder.h"
#include "launcher/runtime.h"
#include "launcher/training_run.h"

namespace hone::launcher {
namespace {

// Where all ranks can write: the folder for temporary files if they share a node, else beside the run's folder.
std::string scratch_root(CommandContext& context, Communicator& communicator) {
  const std::vector<std::string> hosts = dist::gather_strings(communicator, context.session.host());
  const bool one_node =
      std::all_of(hosts.begin(), hosts.end(), [&](const std::string& host) { return host == hosts.front(); });
  return one_node ? std::filesystem::temp_directory_path().string() : cache_root_of(context.config().run.dir);
}

class ScratchFolder {
 public:
  ScratchFolder(const std::string& root, Communicator& communicator)
      : leads_(communicator.rank() == 0),
        path_(from_rank_zero(communicator, root + "/hone-dry-run-" + std::to_string(::getpid()))) {
    make_directories(path_);
  }
  ~ScratchFolder() {
    std::error_code ignored;
    if (leads_) std::filesystem::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  bool leads_;
  std::string path_;
};

}  // namespace

int dry_run(CommandContext& context, Communicator& communicator) {
  name_run_folder(context.config(), communicator);
  require_writable_place(context.config().run.dir);
  const ScratchFolder scratch(scratch_root(context, communicator), communicator);
  const std::int64_t folds = context.config().train.folds;  // all alike: the first stands for them
  const auto fold = folds > 0 ? std::optional(data::Fold{0, folds}) : std::nullopt;
  TrainingRun run(context, communicator, {fold, scratch.path()});
  const OrderedJson plan = run.describe();
  context.log.info("{}", print_config(context.config()));
  context.out.json(plan);
  communicator.barrier()->wait();  // the folder goes when all are done with it
  return 0;
}

}  // namespace hone::launcher
