#pragma once
// The parts of a training run, one construction each, and what ties them to the run's folder.
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "checkpoint/async_saver.h"
#include "checkpoint/checkpoint.h"
#include "core/base/metrics_log.h"
#include "core/base/progress.h"
#include "core/base/tensorboard_log.h"
#include "core/model/model.h"
#include "core/optim/optimizer.h"
#include "core/ports/checkpoint_sink.h"
#include "core/ports/train_observer.h"
#include "core/train/trainer.h"
#include "launcher/command_context.h"

namespace hone::launcher {

// Weights and optimizer state of a run, kept in run.dir/checkpoints.
class RunCheckpoints final : public CheckpointSink {
 public:
  RunCheckpoints(checkpoint::CheckpointStore& store, model::Model& model, optim::Optimizer& optimizer,
                 checkpoint::FlatMap config, checkpoint::FlatMap digests, bool beside_training);
  void save(const TrainState& state) override;
  void after_step() override;
  void wait() override;
  // Until a checkpoint that is begun now would be safe: as the longest so far, at least a slow disk's time.
  double expected_seconds() const;
  // Refuses a checkpoint of another model, data set or configuration.
  TrainState load(const std::string& folder);
  // The weights of a checkpoint of the same model, trained alike, for a run that begins; with the optimizer's state on
  // request. Returns the updates that this state has seen (0 without it).
  std::int64_t start_from(const std::string& folder, bool with_optimizer);
  void load_weights(const std::string& folder);  // of one of this run's own

 private:
  void read_weights(checkpoint::LoadedCheckpoint& loaded);
  void read_optimizer(checkpoint::LoadedCheckpoint& loaded);
  void read_held(checkpoint::LoadedCheckpoint& loaded, const StateTensor& tensor) const;

  checkpoint::CheckpointStore& store_;
  model::Model& model_;
  optim::Optimizer& optimizer_;
  checkpoint::FlatMap config_, digests_;
  double longest_save_ = 0;                      // seconds, of those that the training waited for
  std::optional<checkpoint::AsyncSaver> saver_;  // where checkpoints are written beside the training
};

// The checkpoint to go on from, as train.resume says; empty: start.
std::string find_resume(const std::string& resume, checkpoint::CheckpointStore& store,
                        const std::string& run_dir);

// Console, metrics.jsonl, TensorBoard events and status.json of a run. Rank 0 writes.
class RunObserver final : public TrainObserver {
 public:
  RunObserver(CommandContext& context, const Config& config, std::int64_t total_steps,
              const TrainState& begin);
  void on_step(std::int64_t step, const StepResult& result, double seconds) override;
  void before_checkpoint() override;
  void on_evaluation(std::int64_t step, const EvalResult& result, const BestSoFar& best) override;
  double tokens_per_second() const { return seconds_ > 0 ? tokens_ / seconds_ : 0; }

 private:
  CommandContext& context_;
  void write_row(const OrderedJson& row);

  std::unique_ptr<MetricsLog> metrics_;  // rank 0, as the next
  std::unique_ptr<TensorBoardLog> events_;
  Progress progress_;
  std::int64_t best_step_, skipped_;
  double tokens_ = 0, seconds_ = 0;
  std::chrono::steady_clock::time_point status_written_;
};

// Prints the table of where time went (min, average, max over ranks), and what went between ranks, and writes
// timing.json; `on_host`: what was exchanged lay in host memory. All ranks.
void report_timing(CommandContext& context, const train::PhaseClock& clock, double wall_seconds,
                   Communicator& communicator, const Traffic& traffic, bool on_host);

}  // namespace hone::launcher
