#include "launcher/training_run.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/adapter/token_rows.h"
#include "core/base/error.h"
#include "core/base/failure.h"
#include "core/base/fault_point.h"
#include "core/base/file_system.h"
#include "core/base/phase.h"
#include "core/device/device.h"
#include "core/model/memory.h"
#include "core/optim/optimizer_on.h"
#include "core/train/evaluator.h"
#include "core/train/graphed_objective.h"
#include "core/train/sharded_gradients.h"
#include "core/train/time_limit.h"
#include "dist/gradient_sync.h"
#include "dist/stop_signal.h"
#include "launcher/build_model.h"
#include "launcher/graph_rules.h"
#include "launcher/held_out.h"
#include "launcher/micro_tokens.h"
#include "launcher/run_folder.h"
#include "launcher/runtime.h"
#include "launcher/train_rules.h"

namespace hone::launcher {
namespace {

void resolve_training(Config& config, const data::Loader& loader) {
  if (!config.train.steps) config.train.steps = loader.steps_in(config.train.epochs);
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

// The same of its rows; what "new" stands for was found among them before.
void require_same_rows(const std::vector<std::string>& asked, const std::vector<std::string>& built) {
  const formats::TokenRows there = adapter::token_rows(built);
  for (const auto& [module, ids] : adapter::token_rows(asked))
    for (const std::int64_t id : ids) {
      const auto found = there.find(module);
      if (found == there.end() ||
          std::find(found->second.begin(), found->second.end(), id) == found->second.end())
        throw Error(Exit::usage, "US024", "adapter differs from its start values",
                    "adapter.trainable_token_indices",
                    module + ":" + std::to_string(id) + " is not in adapter.init", "leave the key out");
    }
}

objective::ObjectivePtr make_run_objective(const Config& config, const model::Model& model) {
  objective::ObjectivePtr objective = objective::make_objective(config.objective);
  const bool graphs = records_graphs(config, model.device(), model.compute(), model.config().head_dim,
                                     model.arena().sharding().stage);
  return graphs ? train::make_graphed(std::move(objective)) : std::move(objective);
}

std::string hex(std::uint64_t value) { return fmt::format("{:016x}", value); }

}  // namespace

TrainingRun::TrainingRun(CommandContext& context, Communicator& communicator, RunScope scope)
    : context_(context),
      config_(context.config()),
      communicator_(communicator),
      scope_(std::move(scope)),
      tools_(make_text_tools(config_)),
      rows_(open_run_rows()),
      source_(make_source()),
      plan_(make_plan(config_.train)),
      held_out_(make_held_out()),
      groups_(make_sharding(config_, communicator_)),
      model_(make_model()),
      objective_(make_run_objective(config_, model_)),
      optimizer_(optim::make_optimizer_on(model_.device(), config_.optim, model_.arena().layout(),
                                          model_.arena().owned(), model_.arena().type())),
      gradients_(make_gradients()),
      reduction_(make_reduction()),
      store_(config_.run.dir + "/checkpoints", communicator_, store_options()),
      checkpoints_(store_, model_, *optimizer_, flatten(config_), digests(), config_.train.async_save) {}

RunRows TrainingRun::open_run_rows() {
  const std::string root = scope_.scratch.empty() ? cache_root_of(config_.run.dir) : scope_.scratch;
  const auto open = [&](const std::vector<std::string>& inputs, bool apart) {
    return open_rows(inputs, config_, tools_, root, communicator_, apart).set;
  };
  const auto all = open(config_.data.train, !config_.data.weights.empty());
  RunRows rows{all, nullptr, all->row_count(), hex(all->fingerprint()), all->folder_begins()};
  if (const auto& fold = scope_.fold) {
    data::FoldRows cut = data::fold_rows(all->size(), *fold, static_cast<std::uint64_t>(config_.train.seed));
    for (std::int64_t& begin : rows.corpora)
      begin = std::lower_bound(cut.train.begin(), cut.train.end(), begin) - cut.train.begin();
    rows.train = std::make_shared<data::RowSubset>(all, std::move(cut.train));
    rows.held_out = std::make_shared<data::RowSubset>(all, std::move(cut.held_out));
    rows.rows = rows.train->size();
    rows.digest += fmt::format("-fold-{}-of-{}", fold->number + 1, fold->count);
  } else if (!config_.data.eval.empty()) {
    rows.held_out = open(config_.data.eval, false);
  }
  fault_point("start.data");
  return rows;
}

std::unique_ptr<BatchSource> TrainingRun::make_source() {
  resolve_micro_tokens(context_, Purpose::train, {rows_.train.get(), rows_.held_out.get()}, communicator_);
  auto loader =
      std::make_unique<data::Loader>(rows_.train, loader_rules(config_, communicator_, rows_.corpora));
  resolve_training(config_, *loader);
  order_ = loader->order();
  return std::make_unique<data::PrefetchSource>(std::move(loader));
}

std::optional<data::EvalPass> TrainingRun::make_held_out() {
  if (!rows_.held_out) return std::nullopt;
  require_targets(*rows_.held_out);
  return std::optional<data::EvalPass>(std::in_place, rows_.held_out, *config_.train.micro_tokens,
                                       communicator_.rank(), communicator_.world_size());
}

model::Model TrainingRun::make_model() {
  const FlatConfig asked = flatten(config_);
  const std::vector<std::string> rows = config_.adapter.trainable_token_indices;
  const at::Device device = device::device_of(config_.model.device);
  model::Model model = build_model(config_, Purpose::train, groups_.sharding,
                                   memory_share(context_.session, communicator_, device));
  if (config_.adapter.init.empty()) return model;
  require_same_adapter(context_, asked, flatten(config_));
  require_same_rows(rows, config_.adapter.trainable_token_indices);
  return model;
}

std::unique_ptr<train::StepGradients> TrainingRun::make_gradients() {
  const model::Arena& arena = model_.arena();
  const bool tree = config_.dist.deterministic == "tree";
  if (tree || arena.sharding().shards_state())
    return std::make_unique<train::ShardedGradients>(arena.layout(), arena.sharding(), tree, model_.device());
  return std::make_unique<train::ArenaGradients>(arena.layout(), model_.device());
}

std::unique_ptr<GradientReduction> TrainingRun::make_reduction() {
  auto* whole = dynamic_cast<train::ArenaGradients*>(gradients_.get());
  if (!whole) return nullptr;
  auto reduction = dist::make_gradient_reduction(whole->flat(), model_.arena().layout(), communicator_,
                                                 model_.device().is_cuda());
  whole->set_reduction(reduction.get());
  return reduction;
}

train::StepParts TrainingRun::step_parts(TrainState& state) {
  return {.model = model_,
          .objective = *objective_,
          .optimizer = *optimizer_,
          .schedule = optim::make_schedule(config_.schedule, config_.optim, *config_.train.steps),
          .peak_lr = *config_.optim.lr,
          .max_grad_norm = config_.optim.max_grad_norm,
          .communicator = communicator_,
          .gradients = *gradients_,
          .clock = clock_,
          .loss_scale = state.loss_scale,
          .earlier_updates = state.earlier_updates,
          .seed = static_cast<std::uint64_t>(config_.train.seed)};
}

checkpoint::StoreOptions TrainingRun::store_options() {
  return {.keep = static_cast<int>(config_.train.keep),
          .read_only = !scope_.scratch.empty(),
          .warn = [this](const std::string& line) { context_.log.warning("{}", line); }};
}

checkpoint::FlatMap TrainingRun::digests() const {
  return {{"model", hex(base_fingerprint(config_))},
          {"tokenizer", hex(tools_.tokenizer->fingerprint())},
          {"data", rows_.digest}};
}

TrainState TrainingRun::start() {
  const TrainOptions& options = config_.train;
  if (options.init_from.empty()) return {};
  TrainState state;
  state.earlier_updates = checkpoints_.start_from(options.init_from, options.init_optimizer);
  context_.log.info("starting from the weights{} of {}",
                    options.init_optimizer ? " and the optimizer's state" : "", options.init_from);
  return state;
}

TrainState TrainingRun::start_or_resume() {
  const std::string folder = find_resume(config_.train.resume, store_, config_.run.dir);
  if (folder.empty()) return start();
  TrainState state = checkpoints_.load(folder);
  source_->seek(state.cursor);
  const auto is_there = [&] { return is_directory(store_.path_of(state.best.step)) ? "yes" : ""; };
  if (state.best.step > 0 && from_rank_zero(communicator_, is_there()).empty()) {
    context_.log.warning(
        "the checkpoint of the best evaluation (step {}) is not in {}: the best is sought anew",
        state.best.step, config_.run.dir);
    state.best = {};
  }
  context_.log.info("going on from {} (step {})", folder, state.step);
  return state;
}

EvalResult TrainingRun::evaluate() {
  fault_point("evaluate");
  const train::HeldOut bins = [&](const train::BatchVisitor& visit) {
    for (std::int64_t b = 0; b < held_out_->bin_count(); ++b) visit(held_out_->bin(b));
  };
  return train::evaluate(*objective_, model_, bins, communicator_);
}

train::Outcome TrainingRun::train(TrainState& state) {
  const PhaseScope phase("step");
  train::StepParts parts = step_parts(state);
  RunObserver observer(context_, config_, *config_.train.steps, state);
  train::TimeLimit limit(time_limit(config_.train), context_.seconds());
  const auto saving = [&] { return config_.train.max_time.empty() ? 0.0 : checkpoints_.expected_seconds(); };
  const dist::StopSignals signals(context_.session.launched());
  train::TrainerPorts ports{.step = [&](std::int64_t step) { return train::run_step(parts, *source_, step); },
                            .evaluate = {},
                            .source = *source_,
                            .checkpoints = checkpoints_,
                            .observer = observer,
                            .stop_agreed =
                                [&] {
                                  const bool late = limit.over(context_.seconds(), saving());
                                  return dist::stop_agreed(communicator_,
                                                           late || dist::stop_requested() != 0);
                                },
                            .clock = clock_};
  if (held_out_) ports.evaluate = [&] { return evaluate(); };
  return train::run_training(plan_, state, ports);
}

// What is exported under train.load_best.
void TrainingRun::take_best(const TrainState& state) {
  if (!config_.train.load_best || state.best.step == 0 || state.best.step == state.step) return;
  checkpoints_.load_weights(store_.path_of(state.best.step));
  context_.log.info("the weights of step {}, the best evaluation ({} {:.4f})", state.best.step,
                    config_.train.metric, state.best.metric);
}

OrderedJson TrainingRun::describe() {
  constexpr std::int64_t kLookedAt = 100;  // steps: enough for an average
  data::Loader loader(rows_.train, loader_rules(config_, communicator_, rows_.corpora));
  const std::int64_t steps = loader.steps_in(1), looked_at = std::min(steps, kLookedAt);
  const std::int64_t tokens = loader.tokens_per_epoch();
  std::int64_t bins = 0;
  for (std::int64_t step = 0; step < looked_at; ++step) bins += std::ssize(loader.next_step().bins);
  const model::MemoryEstimate held = memory_held();
  const OrderedJson bytes{{"frozen_weights", held.frozen},
                          {"trained_weights", held.master},
                          {"gradients", held.gradients},
                          {"optimizer", held.optimizer},
                          {"total", held.total()}};
  return {{"rows", order_->size()},
          {"rows_without_target", order_->dropped()},
          {"steps_per_epoch", steps},
          {"steps", *config_.train.steps},
          {"steps_done", start_or_resume().step},
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
  held.gradients = gradients_->bytes();
  for (const StateTensor& tensor : optimizer_->state()) held.optimizer += std::ssize(tensor.bytes());
  return held;
}

Traffic TrainingRun::traffic() const {
  Traffic sum = communicator_.traffic();
  for (const CommunicatorPtr* group : {&groups_.shards, &groups_.replicas})
    if (*group) sum += (*group)->traffic();
  return sum;
}

int TrainingRun::run() {
  fault_point("start.model");
  const double begin = context_.seconds();
  TrainState state = start_or_resume();
  write_run_facts(context_, model_, *rows_.train, rows_.rows, *order_);
  train::Outcome outcome{};
  try {
    outcome = train(state);
  } catch (...) {
    if (as_error(std::current_exception()).exit() == Exit::not_finite)
      checkpoints_.wait();  // all ranks are here
    model::rethrow_with_memory(memory_held(), model_.device());
  }
  report_timing(context_, clock_, context_.seconds() - begin, communicator_, traffic(),
                model_.device().is_cpu());
  if (train::gives_up(plan_.best, state.best))
    context_.log.info("step {}: {} evaluations without a gain, training ends early", state.step,
                      state.best.evaluations_without_gain);
  if (outcome == train::Outcome::finished) take_best(state);
  const int code = close_run(context_, model_, outcome, state);
  fault_point("close");
  return code;
}

}  // namespace hone::launcher
