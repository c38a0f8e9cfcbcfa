// hone train: parse, build (one construction a line), run, report.
#include <c10/core/InferenceMode.h>
#include <fmt/format.h>

#include <cmath>

#include "core/base/file_system.h"
#include "core/base/run_status.h"
#include "core/train/evaluator.h"
#include "data/load/prefetch.h"
#include "dist/gradient_sync.h"
#include "dist/launch_check.h"
#include "dist/stop_signal.h"
#include "launcher/build_data.h"
#include "launcher/build_model.h"
#include "launcher/build_training.h"
#include "launcher/commands.h"
#include "launcher/export_model.h"
#include "launcher/options/config_file.h"
#include "launcher/run_folder.h"
#include "launcher/runtime.h"

namespace hone::launcher {
namespace {

void resolve_training(Config& config, std::int64_t steps_per_epoch) {
  TrainOptions& train = config.train;
  if (!train.steps)
    train.steps = static_cast<std::int64_t>(std::ceil(train.epochs * static_cast<double>(steps_per_epoch) - 1e-9));
  if (!train.eval_every) train.eval_every = steps_per_epoch;
  if (!train.save_every) train.save_every = steps_per_epoch;
  config.optim.lr = optim::effective_lr(config.optim, config.adapter.type == "lora");
}

// Every bin of the held-out rows that falls to this rank.
train::HeldOut visit_bins(const data::EvalPass& pass) {
  return [&pass](const train::BatchVisitor& visit) {
    for (std::int64_t b = 0; b < pass.bin_count(); ++b) visit(pass.bin(b));
  };
}

std::string hex(std::uint64_t value) { return fmt::format("{:016x}", value); }

// A run that is gone on with keeps the compute type it began with: auto is a measurement, and might now say another.
void keep_compute_type(Config& config) {
  const std::string path = config.run.dir + "/config.cfg";
  if (config.model.dtype != "auto" || config.train.resume != "auto" || config.run.dir.empty() || !path_exists(path))
    return;
  for (const ConfigLine& line : read_config_file(path))
    if (line.key == "model.dtype") config.model.dtype = line.value;
}

// The start values of adapter.init decide its shape; a setting given beside it may only say the same.
void require_same_adapter(const CommandContext& context, const FlatConfig& before, const FlatConfig& after) {
  for (const char* key : {"adapter.rank", "adapter.alpha", "adapter.targets", "adapter.rslora"})
    if (context.given(key) && before.at(key) != after.at(key))
      throw Error(Exit::usage, "US024", "adapter differs from its start values", key,
                  before.at(key) + ", adapter.init has " + after.at(key), "leave the key out");
}

}  // namespace

int run_train(CommandContext& context) {
  const c10::InferenceMode inference;  // the tape is ours
  const auto begin = std::chrono::steady_clock::now();
  Config& config = context.config();
  context.require("data.train");
  keep_compute_type(config);
  Runtime runtime = make_runtime(context);
  Communicator& communicator = *runtime.communicator;
  open_run_folder(context, communicator);
  dist::require_same(communicator, "config", config_digest(config));

  const TextTools tools = make_text_tools(config);
  const std::string cache = cache_root_of(config.run.dir);
  const PreparedRows rows = open_rows(config.data.train, config, tools, cache, communicator);
  auto loader = std::make_unique<data::Loader>(rows.set, loader_rules(config, communicator));
  resolve_training(config, loader->steps_per_epoch());
  const data::EligibleRows eligible = loader->eligible();
  data::PrefetchSource source(std::move(loader));
  std::optional<data::EvalPass> held_out;
  if (!config.data.eval.empty())
    held_out.emplace(open_rows(config.data.eval, config, tools, cache, communicator).set, config.train.micro_tokens,
                     communicator.rank(), communicator.world_size());

  const FlatConfig asked = flatten(config);
  model::Model model = build_model(config, Purpose::train);
  require_same_adapter(context, asked, flatten(config));
  const auto objective = objective::make_objective(config.objective);
  const auto optimizer = optim::make_optimizer(config.optim, model.arena().layout());
  train::ArenaGradients gradients(model.arena().layout());
  const auto reduction = dist::make_gradient_reduction(gradients.flat(), model.arena().layout(), communicator);
  train::PhaseClock clock;
  train::StepParts parts{model, *objective, *optimizer, optim::make_schedule(config.schedule, *config.train.steps),
                         *config.optim.lr, config.optim.max_grad_norm, communicator, *reduction, gradients, clock};

  checkpoint::CheckpointStore store(config.run.dir + "/checkpoints", communicator,
                                    {.keep = static_cast<int>(config.train.keep),
                                     .warn = [&](const std::string& line) { context.log.warning("{}", line); }});
  RunCheckpoints checkpoints(store, model, *optimizer, flatten(config),
                             {{"model", hex(base_fingerprint(config))},
                              {"tokenizer", hex(tools.tokenizer->fingerprint())},
                              {"data", hex(rows.set->fingerprint())}});
  const std::string resume = find_resume(config.train.resume, store, config.run.dir);
  TrainState state = resume.empty() ? TrainState{} : checkpoints.load(resume);
  source.seek(state.cursor);
  if (!resume.empty()) context.log.info("going on from {} (step {})", resume, state.step);

  write_run_facts(context, model, rows, eligible);
  RunObserver observer(context, config, *config.train.steps, state.step);
  const dist::StopSignals signals(context.session.launched());
  train::TrainerPorts ports{.step = [&](std::int64_t step) { return train::run_step(parts, source, step); },
                            .evaluate = {},
                            .source = source,
                            .checkpoints = checkpoints,
                            .observer = observer,
                            .stop_agreed = [&] { return dist::stop_agreed(communicator); },
                            .clock = clock};
  if (held_out)
    ports.evaluate = [&] { return train::evaluate(*objective, model, visit_bins(*held_out), communicator); };
  const train::TrainPlan plan{*config.train.steps, *config.train.eval_every, *config.train.save_every};
  const train::Outcome outcome = train::run_training(plan, state, ports);

  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin;
  report_timing(context, clock, wall.count(), communicator);
  return close_run(context, model, outcome, state.step);
}

}  // namespace hone::launcher
