#include "launcher/training_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "core/base/error.h"
#include "core/model/memory.h"
#include "core/nn/attention.h"
#include "core/optim/optimizer_on.h"
#include "core/train/evaluator.h"
#include "core/train/graphed_objective.h"
#include "dist/gradient_sync.h"
#include "dist/stop_signal.h"
#include "launcher/build_model.h"
#include "launcher/run_folder.h"

namespace hone::launcher {
namespace {

void resolve_training(Config& config, std::int64_t steps_per_epoch) {
  TrainOptions& train = config.train;
  if (!train.steps)
    train.steps = static_cast<std::int64_t>(std::ceil(train.epochs * static_cast<double>(steps_per_epoch) - 1e-9));
  if (!train.eval_every) train.eval_every = steps_per_epoch;
  if (!train.save_every) train.save_every = steps_per_epoch;
  config.optim.lr = optim::effective_lr(config.optim, config.adapter.type == "lora");
  config.optim.beta2 = optim::effective_beta2(config.optim);
}

// The start values of adapter.init decide its shape; a setting given beside it may only say the same.
void require_same_adapter(const CommandContext& context, const FlatConfig& asked, const FlatConfig& built) {
  for (const char* key :
       {"adapter.rank", "adapter.alpha", "adapter.targets", "adapter.rslora", "adapter.modules_to_save"})
    if (context.given(key) && asked.at(key) != built.at(key))
      throw Error(Exit::usage, "US024", "adapter differs from its start values", key,
                  asked.at(key) + ", adapter.init has " + built.at(key), "leave the key out");
}

// Noise that is drawn on the host, copies to it and attention that is told of sequences there cannot be recorded.
objective::ObjectivePtr make_run_objective(const Config& config, const model::Model& model) {
  objective::ObjectivePtr objective = objective::make_objective(config.objective);
  const bool recordable = model.device().is_cuda() && config.train.neftune_noise_alpha == 0 &&
                          config.train.offload == "none" &&
                          nn::cuda_attention(model.compute(), model.config().head_dim) != nn::CudaAttention::none;
  if (!recordable || config.train.cuda_graph == "false") return objective;
  return train::make_graphed(std::move(objective));
}

std::string hex(std::uint64_t value) { return fmt::format("{:016x}", value); }

}  // namespace

TrainingRun::TrainingRun(CommandContext& context, Communicator& communicator, std::string scratch)
    : context_(context),
      config_(context.config()),
      communicator_(communicator),
      scratch_(std::move(scratch)),
      tools_(make_text_tools(config_)),
      rows_(rows_of(config_.data.train)),
      source_(make_source()),
      held_out_(make_held_out()),
      model_(make_model()),
      objective_(make_run_objective(config_, model_)),
      optimizer_(optim::make_optimizer_on(model_.device(), config_.optim, model_.arena().layout(),
                                           model_.arena().weights().type)),
      gradients_(model_.arena().layout(), model_.device()),
      reduction_(dist::make_gradient_reduction(gradients_.flat(), model_.arena().layout(), communicator_)),
      store_(config_.run.dir + "/checkpoints", communicator_, store_options()),
      checkpoints_(store_, model_, *optimizer_, flatten(config_), digests()) {}

PreparedRows TrainingRun::rows_of(const std::vector<std::string>& inputs) {
  const std::string root = scratch_.empty() ? cache_root_of(config_.run.dir) : scratch_;
  return open_rows(inputs, config_, tools_, root, communicator_);
}

std::unique_ptr<BatchSource> TrainingRun::make_source() {
  auto loader = std::make_unique<data::Loader>(rows_.set, loader_rules(config_, communicator_));
  resolve_training(config_, loader->steps_per_epoch());
  eligible_ = loader->eligible();
  return std::make_unique<data::PrefetchSource>(std::move(loader));
}

std::optional<data::EvalPass> TrainingRun::make_held_out() {
  if (config_.data.eval.empty()) return std::nullopt;
  return std::optional<data::EvalPass>(std::in_place, rows_of(config_.data.eval).set, config_.train.micro_tokens,
                                       communicator_.rank(), communicator_.world_size());
}

model::Model TrainingRun::make_model() {
  const FlatConfig asked = flatten(config_);
  model::Model model = build_model(config_, Purpose::train);
  require_same_adapter(context_, asked, flatten(config_));
  return model;
}

train::StepParts TrainingRun::step_parts() {
  return {.model = model_,
          .objective = *objective_,
          .optimizer = *optimizer_,
          .schedule = optim::make_schedule(config_.schedule, config_.optim, *config_.train.steps),
          .peak_lr = *config_.optim.lr,
          .max_grad_norm = config_.optim.max_grad_norm,
          .communicator = communicator_,
          .reduction = *reduction_,
          .gradients = gradients_,
          .clock = clock_,
          .seed = static_cast<std::uint64_t>(config_.train.seed)};
}

checkpoint::StoreOptions TrainingRun::store_options() {
  return {.keep = static_cast<int>(config_.train.keep),
          .read_only = !scratch_.empty(),
          .warn = [this](const std::string& line) { context_.log.warning("{}", line); }};
}

checkpoint::FlatMap TrainingRun::digests() const {
  return {{"model", hex(base_fingerprint(config_))},
          {"tokenizer", hex(tools_.tokenizer->fingerprint())},
          {"data", hex(rows_.set->fingerprint())}};
}

TrainState TrainingRun::resume() {
  const std::string folder = find_resume(config_.train.resume, store_, config_.run.dir);
  if (folder.empty()) return {};
  const TrainState state = checkpoints_.load(folder);
  source_->seek(state.cursor);
  context_.log.info("going on from {} (step {})", folder, state.step);
  return state;
}

EvalResult TrainingRun::evaluate() {
  const train::HeldOut bins = [&](const train::BatchVisitor& visit) {
    for (std::int64_t b = 0; b < held_out_->bin_count(); ++b) visit(held_out_->bin(b));
  };
  return train::evaluate(*objective_, model_, bins, communicator_);
}

train::Outcome TrainingRun::train(TrainState& state) {
  train::StepParts parts = step_parts();
  RunObserver observer(context_, config_, *config_.train.steps, state.step);
  const dist::StopSignals signals(context_.session.launched());
  train::TrainerPorts ports{.step = [&](std::int64_t step) { return train::run_step(parts, *source_, step); },
                            .evaluate = {},
                            .source = *source_,
                            .checkpoints = checkpoints_,
                            .observer = observer,
                            .stop_agreed = [&] { return dist::stop_agreed(communicator_); },
                            .clock = clock_};
  if (held_out_) ports.evaluate = [&] { return evaluate(); };
  return train::run_training({*config_.train.steps, *config_.train.eval_every, *config_.train.save_every}, state,
                             ports);
}

OrderedJson TrainingRun::describe() {
  constexpr std::int64_t kLookedAt = 100;  // steps: enough for an average
  data::Loader loader(rows_.set, loader_rules(config_, communicator_));
  const std::int64_t steps = loader.steps_per_epoch(), looked_at = std::min(steps, kLookedAt);
  std::int64_t tokens = 0, bins = 0;
  for (std::int64_t i = 0; i < eligible_.count; ++i) tokens += rows_.set->length(eligible_.at(i));
  for (std::int64_t step = 0; step < looked_at; ++step) bins += std::ssize(loader.next_step().bins);
  const model::MemoryEstimate held = memory_held();
  const OrderedJson bytes{{"frozen_weights", held.frozen}, {"trained_weights", held.master},
                          {"gradients", held.gradients},   {"optimizer", held.optimizer},
                          {"total", held.total()}};
  return {{"rows", eligible_.count},
          {"rows_without_target", eligible_.dropped},
          {"steps_per_epoch", steps},
          {"steps", *config_.train.steps},
          {"steps_done", resume().step},
          {"tokens_per_epoch", tokens},
          {"tokens_per_step", static_cast<double>(tokens) / static_cast<double>(steps)},
          {"micro_batches_per_step", static_cast<double>(bins) / static_cast<double>(looked_at)},
          {"ranks", communicator_.world_size()},
          {"trained_parameters", model_.arena().parameter_count()},
          {"per_rank_bytes", bytes}};
}

model::MemoryEstimate TrainingRun::memory_held() {
  model::MemoryEstimate held;
  held.frozen = model_.frozen_bytes();
  held.master = model_.arena().bytes();
  held.gradients = std::ssize(gradients_.flat()) * std::int64_t{sizeof(float)};
  for (const StateTensor& tensor : optimizer_->state()) held.optimizer += std::ssize(tensor.bytes());
  return held;
}

int TrainingRun::run() {
  const auto begin = std::chrono::steady_clock::now();
  TrainState state = resume();
  write_run_facts(context_, model_, rows_, eligible_);
  train::Outcome outcome{};
  try {
    outcome = train(state);
  } catch (...) {
    model::rethrow_with_memory(memory_held(), model_.device());
  }
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin;
  report_timing(context_, clock_, wall.count(), communicator_);
  return close_run(context_, model_, outcome, state.step);
}

}  // namespace hone::launcher
