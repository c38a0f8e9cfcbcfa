#include "launcher/run_folder.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>

#include "core/base/clock.h"
#include "core/base/fault_point.h"
#include "core/base/file_system.h"
#include "core/base/progress.h"
#include "core/base/run_status.h"
#include "core/formats/expected_tensors.h"
#include "core/formats/safetensors.h"
#include "dist/launch_check.h"
#include "launcher/export_model.h"
#include "launcher/options/config.h"
#include "launcher/report/report.h"
#include "launcher/runtime.h"

namespace hone::launcher {
namespace {

std::int64_t model_parameters(const formats::ModelConfig& config) {
  std::int64_t parameters = 0;
  for (const formats::TensorInfo& tensor : formats::expected_tensors(config))
    parameters += formats::element_count(tensor.shape);
  return parameters;
}

double share_of(const data::TrainingOrder::Corpus& corpus, const data::TrainingOrder& order) {
  return static_cast<double>(corpus.drawn) / static_cast<double>(order.size());
}

OrderedJson corpora_facts(const DataOptions& options, const data::TrainingOrder& order) {
  OrderedJson corpora = OrderedJson::array();
  for (std::size_t i = 0; i < options.train.size(); ++i) {
    const auto& corpus = order.corpora()[i];
    corpora.push_back({{"input", options.train[i]},
                       {"weight", options.weights[i]},
                       {"samples", corpus.rows.count()},
                       {"drawn_per_epoch", corpus.drawn},
                       {"share", share_of(corpus, order)}});
  }
  return corpora;
}

OrderedJson data_facts(const DataOptions& options, const data::SampleSet& samples, std::int64_t rows,
                       const data::TrainingOrder& order) {
  OrderedJson train{{"name", "train"}, {"rows", rows}, {"samples", samples.size()}};
  train["tokens"] = samples.tokens();
  train["longest"] = samples.longest();
  if (samples.truncated() >= 0) train["truncated"] = samples.truncated();
  train["dropped"] = {{"no target after truncation", order.dropped()}};
  if (order.mixes()) train["corpora"] = corpora_facts(options, order);
  return {{"sets", OrderedJson::array({train})}};
}

// Two runs in one folder would write one another's checkpoints. A killed run's ranks may still be on their way out.
void hold_run_folder(CommandContext& context, const std::string& folder) {
  constexpr double kPatience = 5;
  if (context.session.rank() != 0 || context.run_lock) return;  // folds lie in the run's folder
  context.run_lock = std::make_unique<FileLock>(folder + "/.lock");
  if (context.run_lock->acquire(kPatience)) return;
  throw Error(Exit::usage, "US084", "another run is under way in this folder", folder,
              "run.dir/.lock is held", "wait for it, or choose another run.dir");
}

}  // namespace

void name_run_folder(Config& config, Communicator& communicator) {
  if (config.run.dir.empty())
    config.run.dir = from_rank_zero(communicator, "runs/" + config.objective.name + "-" + run_stamp());
}

void open_run_folder(CommandContext& context, Communicator& communicator) {
  Config& config = context.config();
  name_run_folder(config, communicator);
  make_directories(config.run.dir);
  hold_run_folder(context, config.run.dir);
  communicator.barrier()->wait();  // before it is held nobody writes into it, a failure neither
  context.run_dir = config.run.dir;
  context.log.open_file(config.run.dir);
  if (context.session.rank() == 0) write_status(config.run.dir, {"starting"});
  dist::require_same(communicator, "config", config_digest(config));
  fault_point("start.folder");
}

void write_run_facts(CommandContext& context, const model::Model& model, const data::SampleSet& samples,
                     std::int64_t rows, const data::TrainingOrder& order) {
  const Config& config = context.config();
  if (order.dropped() > 0)
    context.log.warning("{} rows have no target within data.max_length and are left out (first: row {})",
                        order.dropped(), samples.row(order.first_dropped()));
  if (samples.truncated() > 0)
    context.log.info("{} of {} rows are longer than data.max_length {}: their {} end is cut off",
                     samples.truncated(), samples.size(), config.data.max_length,
                     config.data.truncation_side);
  if (samples.longest() > model.config().max_positions)
    context.log.warning("rows have up to {} tokens, and the model knows {} positions: see data.max_length",
                        samples.longest(), model.config().max_positions);
  for (std::size_t i = 0; order.mixes() && i < order.corpora().size(); ++i)
    context.log.info("{}: {} of {} samples of an epoch ({:.4f}), {} there are", config.data.train[i],
                     order.corpora()[i].drawn, order.size(), share_of(order.corpora()[i], order),
                     order.corpora()[i].rows.count());
  context.log.info("{}: {} parameters, {} trained, frozen weights {} MiB; {} rows, {} steps",
                   config.model.path, format_count(static_cast<double>(model_parameters(model.config()))),
                   format_count(static_cast<double>(model.arena().parameter_count())),
                   model.frozen_bytes() >> 20, format_count(static_cast<double>(order.size())),
                   *config.train.steps);
  if (context.session.rank() != 0) return;
  const auto now = fmt::gmtime(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()));
  const OrderedJson facts{{"parameters", model_parameters(model.config())},
                          {"trainable_parameters", model.arena().parameter_count()},
                          {"ranks", context.session.world_size()},
                          {"steps", *config.train.steps},
                          {"started", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", now)},
                          {"host", context.session.host()},
                          {"version", HONE_VERSION}};
  write_file_atomic(config.run.dir + "/config.cfg", print_config(config));
  write_file_atomic(config.run.dir + "/run.json", facts.dump(2) + "\n");
  write_file_atomic(config.run.dir + "/data.json",
                    data_facts(config.data, samples, rows, order).dump(2) + "\n");
}

int close_run(CommandContext& context, model::Model& model, train::Outcome outcome, const TrainState& state) {
  const Config& config = context.config();
  const bool finished = outcome == train::Outcome::finished;
  const int code = static_cast<int>(finished ? Exit::done : Exit::stopped);
  const bool leads = context.session.rank() == 0;
  const at::Tensor weights = finished ? model.arena().on_host(/*keep=*/leads) : at::Tensor();
  if (!leads) return code;
  if (finished) context.log.info("trained weights: {}", export_trained(config, model, weights));
  write_status(config.run.dir, {finished ? "done" : "stopped", state.step, "", code, state.best.step});
  const std::string report = config.run.dir + "/report.html";
  report::write_report(report::load_run(config.run.dir), report);
  context.log.info("report: {}", report);
  if (!finished)
    context.log.info("stopped at step {}, saved; the same command goes on from here", state.step);
  return code;
}

}  // namespace hone::launcher
