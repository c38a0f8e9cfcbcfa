#include "launcher/build_training.h"

#include <ATen/core/Tensor.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "checkpoint/compatible.h"
#include "core/base/file_system.h"
#include "core/base/run_status.h"
#include "core/device/device.h"
#include "launcher/options/config.h"

namespace hone::launcher {
namespace {

// The trained weights as a checkpoint holds them: fp32, whatever the arena keeps; of its owned shards.
StateTensor master_tensor(const model::Arena& arena, const at::Tensor& values) {
  return {{"master", StateType::f32, 1, arena.layout().size}, values.mutable_data_ptr(), values.numel()};
}

// An optimizer's state in host memory: itself, or a copy of what lies on a device.
class HostState {
 public:
  HostState(std::vector<StateTensor> state, at::Device device) : tensors_(std::move(state)) {
    for (StateTensor& tensor : tensors_) {
      const auto bytes = static_cast<std::int64_t>(tensor.bytes().size());
      if (!tensor.on_device || bytes == 0) continue;
      copies_.emplace_back(device::bytes_at(tensor.data, bytes, device), at::Tensor());
      copies_.back().second = copies_.back().first.cpu();
      tensor.data = copies_.back().second.mutable_data_ptr();
      tensor.on_device = false;
    }
  }
  const std::vector<StateTensor>& tensors() const { return tensors_; }
  void put_back() {
    for (auto& [there, here] : copies_) there.copy_(here);
  }

 private:
  std::vector<StateTensor> tensors_;
  std::vector<std::pair<at::Tensor, at::Tensor>> copies_;  // on the device, in host memory
};

Json to_json(const TrainState& state) {
  const LossScale& scale = state.loss_scale;
  Json json{{"step", state.step},
            {"cursor", {{"epoch", state.cursor.epoch}, {"next_sample", state.cursor.next_sample}}},
            {"earlier_updates", state.earlier_updates},
            {"loss_scale", scale.value},
            {"good_steps", scale.good_steps},
            {"skipped", scale.skipped},
            {"skipped_in_a_row", scale.skipped_in_a_row},
            {"best_step", state.best.step},
            {"evaluations_without_gain", state.best.evaluations_without_gain}};
  if (state.best.step > 0) json["best_metric"] = state.best.metric;
  return json;
}

TrainState from_json(const Json& json, const std::string& where) {
  try {
    TrainState state;
    state.step = json.at("step");
    state.cursor = {json.at("cursor").at("epoch"), json.at("cursor").at("next_sample")};
    state.earlier_updates = json.at("earlier_updates");
    state.loss_scale = {json.at("loss_scale"), json.at("good_steps"), json.at("skipped"),
                        json.at("skipped_in_a_row")};
    state.best.step = json.at("best_step");
    state.best.evaluations_without_gain = json.at("evaluations_without_gain");
    if (state.best.step > 0) state.best.metric = json.at("best_metric");
    return state;
  } catch (const Json::exception& e) {
    throw Error(Exit::checkpoint, "CK020", "trainer state not understood", where, e.what());
  }
}

}  // namespace

RunCheckpoints::RunCheckpoints(checkpoint::CheckpointStore& store, model::Model& model,
                               optim::Optimizer& optimizer, checkpoint::FlatMap config,
                               checkpoint::FlatMap digests, bool beside_training)
    : store_(store),
      model_(model),
      optimizer_(optimizer),
      config_(std::move(config)),
      digests_(std::move(digests)) {
  if (beside_training) saver_.emplace(store_);
}

void RunCheckpoints::save(const TrainState& state) {
  checkpoint::CheckpointState out;
  out.step = state.step;
  out.best_step = state.best.step > 0 ? state.best.step : -1;
  out.layout = &model_.arena().layout();
  const model::Sharding& sharding = model_.arena().sharding();
  out.granule = sharding.granule;
  if (sharding.replicas) out.shard_ranks = sharding.world_size();
  const at::Tensor master = model_.arena().owned_on_host();
  out.tensors.emplace_back(master_tensor(model_.arena(), master));
  const HostState state_tensors(optimizer_.state(), model_.device());
  for (const StateTensor& tensor : state_tensors.tensors()) out.tensors.emplace_back(tensor);
  out.trainer = to_json(state);
  out.config = config_;
  out.digests = digests_;
  const auto begin = std::chrono::steady_clock::now();
  saver_ ? saver_->save(out) : store_.save(out);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  longest_save_ = std::max(longest_save_, seconds.count());
}

double RunCheckpoints::expected_seconds() const {
  constexpr double kSlowDisk = 200e6;  // bytes/s
  double bytes = static_cast<double>(model_.arena().owned().size() * size_of(model_.arena().type()));
  for (const StateTensor& tensor : optimizer_.state()) bytes += static_cast<double>(tensor.bytes().size());
  return std::max({longest_save_, saver_ ? saver_->expected_seconds() : 0.0, bytes / kSlowDisk});
}

void RunCheckpoints::after_step() {
  if (saver_) saver_->poll();
}

void RunCheckpoints::wait() {
  if (saver_) saver_->wait();
}

TrainState RunCheckpoints::load(const std::string& folder) {
  checkpoint::LoadedCheckpoint loaded(folder);
  const checkpoint::Manifest& manifest = loaded.manifest();
  checkpoint::require_same_config(manifest.config, config_, keys_that_may_change_on_resume(), folder);
  checkpoint::require_same_inputs(manifest.digests, digests_, folder);
  checkpoint::require_same_layout(manifest.layout, model_.arena().layout(), folder);
  read_weights(loaded);
  read_optimizer(loaded);
  return from_json(manifest.trainer, folder);
}

std::int64_t RunCheckpoints::start_from(const std::string& folder, bool with_optimizer) {
  if (!is_directory(folder))
    throw Error(Exit::input, "FS004", "no such checkpoint folder", "train.init_from", folder);
  checkpoint::LoadedCheckpoint loaded(folder);
  const checkpoint::Manifest& manifest = loaded.manifest();
  checkpoint::FlatMap base = digests_, saved = manifest.digests;
  base.erase("data"), saved.erase("data");  // other rows are what a new start is for
  checkpoint::require_same_inputs(saved, base, folder);
  checkpoint::require_same_layout(manifest.layout, model_.arena().layout(), folder);
  read_weights(loaded);
  if (!with_optimizer) return 0;
  const auto was = manifest.config.find("optim.name");
  if (was != manifest.config.end() && was->second != config_.at("optim.name"))
    throw Error(Exit::usage, "US087", "state of another optimizer", "train.init_optimizer",
                folder + " holds " + was->second + "'s, optim.name is " + config_.at("optim.name"),
                "set optim.name " + was->second + ", or train.init_optimizer false");
  read_optimizer(loaded);
  const TrainState state = from_json(manifest.trainer, folder);
  return state.earlier_updates + state.step - state.loss_scale.skipped;
}

void RunCheckpoints::load_weights(const std::string& folder) {
  checkpoint::LoadedCheckpoint loaded(folder);
  read_weights(loaded);
}

void RunCheckpoints::read_weights(checkpoint::LoadedCheckpoint& loaded) {
  const at::Tensor master = model_.arena().owned_on_host();
  read_held(loaded, master_tensor(model_.arena(), master));
  model_.arena().restore_owned(master);
}

void RunCheckpoints::read_held(checkpoint::LoadedCheckpoint& loaded, const StateTensor& tensor) const {
  if (tensor.held == tensor.count) return loaded.read(tensor);
  const OwnedShards& owned = model_.arena().owned();
  for (const Range& range : owned.ranges())
    loaded.read(
        tensor, {range.begin / tensor.per, range.end / tensor.per},
        static_cast<std::byte*>(tensor.data) + owned.place(range.begin) / tensor.per * size_of(tensor.type));
}

void RunCheckpoints::read_optimizer(checkpoint::LoadedCheckpoint& loaded) {
  HostState state(optimizer_.state(), model_.device());
  for (const StateTensor& tensor : state.tensors()) read_held(loaded, tensor);
  state.put_back();
}

std::string find_resume(const std::string& resume, checkpoint::CheckpointStore& store,
                        const std::string& run_dir) {
  if (resume == "auto") return store.newest_good().value_or("");
  if (resume != "none") {
    if (!is_directory(resume))
      throw Error(Exit::input, "FS004", "no such checkpoint folder", "train.resume", resume);
    const auto others = std::filesystem::weakly_canonical(resume).parent_path() !=
                        std::filesystem::weakly_canonical(run_dir + "/checkpoints");
    if (others && store.holds_checkpoints())  // the next save would remove those of later steps
      throw Error(Exit::usage, "US021", "folder holds checkpoints", "run.dir", run_dir,
                  "train.resume names one of another run: choose another folder for what follows it");
    return resume;
  }
  if (store.holds_checkpoints())
    throw Error(Exit::usage, "US021", "folder holds checkpoints", "run.dir", run_dir,
                "train.resume auto goes on from them; for a new run choose another folder");
  return {};
}

RunObserver::RunObserver(CommandContext& context, const Config& config, std::int64_t total_steps,
                         const TrainState& begin)
    : context_(context),
      progress_(context.log, "train", total_steps, begin.step, config.train.log_every),
      best_step_(begin.best.step),
      skipped_(begin.loss_scale.skipped) {
  if (context.session.rank() != 0) return;
  const std::string path = config.run.dir + "/metrics.jsonl";
  const bool goes_on = begin.step > 0 && path_exists(path);
  metrics_ = std::make_unique<MetricsLog>(path, goes_on ? std::optional(begin.step) : std::nullopt);
  events_ = std::make_unique<TensorBoardLog>(config.run.dir + "/tensorboard", begin.step + 1);
}

void RunObserver::on_step(std::int64_t step, const StepResult& result, double seconds) {
  context_.step = step;
  tokens_ += static_cast<double>(result.tokens);
  seconds_ += seconds;
  progress_.update({step, static_cast<double>(result.tokens), result.loss, result.lr});
  skipped_ += result.skipped;
  if (!metrics_) return;
  OrderedJson row{{"kind", "train"},         {"step", step},
                  {"epoch", result.epoch},   {"loss", result.loss},
                  {"lr", result.lr},         {"grad_norm", result.grad_norm},
                  {"tokens", result.tokens}, {"supervised_tokens", result.supervised_tokens}};
  if (result.loss_scale > 0) row.update({{"loss_scale", result.loss_scale}, {"skipped", skipped_}});
  row.update({{"seconds", seconds}, {"tokens_per_second", static_cast<double>(result.tokens) / seconds}});
  write_row(row);
  const auto now = std::chrono::steady_clock::now();
  if (now - status_written_ < std::chrono::seconds(1)) return;  // durable: it waits for the disk
  status_written_ = now;
  write_status(context_.run_dir, {.state = "training", .step = step, .best_step = best_step_});
}

void RunObserver::before_checkpoint() {
  if (metrics_) metrics_->sync();
}

void RunObserver::on_evaluation(std::int64_t step, const EvalResult& result, const BestSoFar& best) {
  best_step_ = best.step;
  context_.log.info("step {}: held-out loss {:.4f} over {} tokens{}", step, result.loss, result.tokens,
                    step > 0 && best.step == step ? ", the best so far" : "");
  if (metrics_)
    write_row({{"kind", "eval"},
               {"step", step},
               {"loss", result.loss},
               {"tokens", result.tokens},
               {"mean_token_accuracy", result.mean_token_accuracy}});
}

void RunObserver::write_row(const OrderedJson& row) {
  metrics_->write(row);
  events_->write(row);
}

namespace {

// Rank 0's counts; times are means over ranks. Hidden: the share of the time in which a collective was under way that
// no rank waited for it; left out for device memory, where the host sees neither.
OrderedJson communication(const Traffic& traffic, Communicator& communicator, bool on_host) {
  double times[] = {traffic.waited_s, traffic.busy_s};
  communicator.all_reduce({times, 2, CommType::f64}, ReduceOp::sum)->wait();
  OrderedJson json = OrderedJson::object();
  for_kinds(traffic, [&](const char* kind, const Traffic::Count& count) {
    if (count.calls > 0) json[kind] = {{"calls", count.calls}, {"bytes", count.bytes}};
  });
  const double world = communicator.world_size();
  json["waited_seconds"] = times[0] / world;
  json["busy_seconds"] = times[1] / world;
  if (on_host) json["hidden_share"] = times[1] > 0 ? std::max(0.0, 1 - times[0] / times[1]) : 1.0;
  return json;
}

}  // namespace

void report_timing(CommandContext& context, const train::PhaseClock& clock, double wall_seconds,
                   Communicator& communicator, const Traffic& traffic, bool on_host) {
  using train::PhaseClock;
  double lowest[PhaseClock::kCount], highest[PhaseClock::kCount], sum[PhaseClock::kCount];
  for (int p = 0; p < PhaseClock::kCount; ++p)
    lowest[p] = highest[p] = sum[p] = clock.seconds(static_cast<PhaseClock::Phase>(p));
  communicator.all_reduce({lowest, PhaseClock::kCount, CommType::f64}, ReduceOp::min)->wait();
  communicator.all_reduce({highest, PhaseClock::kCount, CommType::f64}, ReduceOp::max)->wait();
  communicator.all_reduce({sum, PhaseClock::kCount, CommType::f64}, ReduceOp::sum)->wait();
  const OrderedJson between_ranks = communication(traffic, communicator, on_host);
  if (communicator.rank() != 0) return;
  OrderedJson phases = OrderedJson::array();
  context.log.info("{:<18}{:>9}{:>9}{:>9}  seconds over {} rank(s)", "where time went", "min", "avg", "max",
                   communicator.world_size());
  for (int p = 0; p < PhaseClock::kCount; ++p) {
    const char* name = PhaseClock::name(static_cast<PhaseClock::Phase>(p));
    const double average = sum[p] / communicator.world_size();
    context.log.info("{:<18}{:>9.2f}{:>9.2f}{:>9.2f}", name, lowest[p], average, highest[p]);
    phases.push_back({{"name", name}, {"min", lowest[p]}, {"avg", average}, {"max", highest[p]}});
  }
  OrderedJson timing{{"ranks", communicator.world_size()}, {"seconds", wall_seconds}, {"phases", phases}};
  if (communicator.world_size() > 1) {
    std::int64_t bytes = 0;
    for_kinds(traffic, [&](const char*, const Traffic::Count& count) { bytes += count.bytes; });
    std::string line = fmt::format("between ranks: {:.1f} MB in {:.2f} s", static_cast<double>(bytes) / 1e6,
                                   between_ranks["busy_seconds"].get<double>());
    if (on_host)
      line += fmt::format(", {:.0f} % of it hidden behind computing",
                          100 * between_ranks["hidden_share"].get<double>());
    context.log.info("{}", line);
    timing["communication"] = between_ranks;
  }
  write_file_atomic(context.run_dir + "/timing.json", timing.dump(2) + "\n");
}

}  // namespace hone::launcher
