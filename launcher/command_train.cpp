// hone train: parse, build, run, report.
#include <c10/core/InferenceMode.h>

#include "core/base/file_system.h"
#include "launcher/commands.h"
#include "launcher/dry_run.h"
#include "launcher/fold_run.h"
#include "launcher/options/command_options.h"
#include "launcher/options/config_file.h"
#include "launcher/run_folder.h"
#include "launcher/runtime.h"
#include "launcher/train_rules.h"
#include "launcher/training_run.h"

namespace hone::launcher {
namespace {

// A run that is gone on with keeps the compute type it began with: auto is a measurement, and might now say another.
void keep_compute_type(Config& config) {
  const std::string path = config.run.dir + "/config.cfg";
  if (config.model.dtype != "auto" || config.train.resume != "auto" || config.run.dir.empty() ||
      !path_exists(path))
    return;
  for (const ConfigLine& line : read_config_file(path))
    if (line.key == "model.dtype") config.model.dtype = line.value;
}

}  // namespace

int run_train(CommandContext& context) {
  const c10::InferenceMode inference;  // the tape is ours
  context.require("data.train");
  require_possible(context.config());
  require_adapter_meant(context.config(), context.given("adapter.type"));
  keep_compute_type(context.config());
  const Runtime runtime = make_runtime(context);
  Communicator& communicator = *runtime.communicator;
  require_ranks_fit(context.config(), communicator.world_size());
  for (const std::string& line : settings_without_effect(context.config())) context.log.warning("{}", line);
  if (context.options<TrainCommandOptions>().dry_run) return dry_run(context, communicator);
  open_run_folder(context, communicator);
  if (context.config().train.folds > 0) return run_folds(context, communicator);
  return TrainingRun(context, communicator).run();
}

}  // namespace hone::launcher
