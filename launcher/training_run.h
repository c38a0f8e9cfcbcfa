#pragma once
// A training run put together: data, model, optimizer, checkpoints, one construction a line, in the order in which
// they need each other. All ranks build one together; every "auto" of the config is resolved on the way.
#include <memory>
#include <optional>
#include <string>

#include "core/model/memory.h"
#include "core/train/step.h"
#include "core/train/trainer.h"
#include "data/load/folds.h"
#include "data/load/prefetch.h"
#include "launcher/build_data.h"
#include "launcher/build_model.h"
#include "launcher/build_training.h"

namespace hone::launcher {

// What a run trains on, and what it is evaluated on (null: nothing).
struct RunRows {
  std::shared_ptr<const data::SampleSet> train, held_out;
  std::int64_t rows = 0;                   // that the training samples come from
  std::string digest;                      // of what is trained on
  std::vector<std::int64_t> corpora = {};  // the first sample of each input of data.train, and the end
};

// What sets a run apart from the plain one.
struct RunScope {
  std::optional<data::Fold> fold = {};  // train on its rows of data.train and hold out the others
  std::string scratch = {};             // the run's folder is only read, and rows are prepared here
};

class TrainingRun {
 public:
  // The run's folder must be open.
  TrainingRun(CommandContext& context, Communicator& communicator, RunScope scope = {});
  int run();               // trains to the end (or a stop), reports, exports; returns the exit code
  EvalResult evaluate();   // the weights as they are; there must be held-out rows
  OrderedJson describe();  // rows, steps and memory of what run() would do; all ranks

 private:
  RunRows open_run_rows();
  std::unique_ptr<BatchSource> make_source();
  std::optional<data::EvalPass> make_held_out();
  model::Model make_model();
  std::unique_ptr<train::StepGradients> make_gradients();
  std::unique_ptr<GradientReduction> make_reduction();
  train::StepParts step_parts(TrainState& state);
  checkpoint::StoreOptions store_options();
  checkpoint::FlatMap digests() const;
  TrainState start();
  TrainState start_or_resume();
  model::MemoryEstimate memory_held();
  Traffic traffic() const;
  train::Outcome train(TrainState& state);
  void take_best(const TrainState& state);

  CommandContext& context_;
  Config& config_;
  Communicator& communicator_;
  const RunScope scope_;
  TextTools tools_;
  RunRows rows_;
  std::optional<data::TrainingOrder> order_;  // once the source is made
  std::unique_ptr<BatchSource> source_;
  train::TrainPlan plan_;
  std::optional<data::EvalPass> held_out_;
  ShardGroups groups_;
  model::Model model_;
  objective::ObjectivePtr objective_;
  optim::OptimizerPtr optimizer_;
  std::unique_ptr<train::StepGradients> gradients_;
  std::unique_ptr<GradientReduction> reduction_;  // of whole gradients; goes before what it sums does
  train::PhaseClock clock_;
  checkpoint::CheckpointStore store_;
  RunCheckpoints checkpoints_;
};

}  // namespace hone::launcher
