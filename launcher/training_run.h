#pragma once
// A training run put together: data, model, optimizer, checkpoints, one construction a line, in the order in which
// they need each other. All ranks build one together; every "auto" of the config is resolved on the way.
#include <memory>
#include <optional>
#include <string>

#include "core/model/memory.h"
#include "core/train/step.h"
#include "core/train/trainer.h"
#include "data/load/prefetch.h"
#include "launcher/build_data.h"
#include "launcher/build_training.h"

namespace hone::launcher {

class TrainingRun {
 public:
  // The run's folder must be open. With `scratch` it is only read, and rows are prepared there.
  TrainingRun(CommandContext& context, Communicator& communicator, std::string scratch = {});
  int run();               // trains to the end (or a stop), reports, exports; returns the exit code
  OrderedJson describe();  // rows, steps and memory of what run() would do; all ranks

 private:
  PreparedRows rows_of(const std::vector<std::string>& inputs);
  std::unique_ptr<BatchSource> make_source();
  std::optional<data::EvalPass> make_held_out();
  model::Model make_model();
  train::StepParts step_parts();
  checkpoint::StoreOptions store_options();
  checkpoint::FlatMap digests() const;
  TrainState resume();
  EvalResult evaluate();
  model::MemoryEstimate memory_held();
  train::Outcome train(TrainState& state);

  CommandContext& context_;
  Config& config_;
  Communicator& communicator_;
  const std::string scratch_;
  TextTools tools_;
  PreparedRows rows_;
  data::EligibleRows eligible_;
  std::unique_ptr<BatchSource> source_;
  std::optional<data::EvalPass> held_out_;
  model::Model model_;
  objective::ObjectivePtr objective_;
  optim::OptimizerPtr optimizer_;
  train::ArenaGradients gradients_;
  std::unique_ptr<GradientReduction> reduction_;
  train::PhaseClock clock_;
  checkpoint::CheckpointStore store_;
  RunCheckpoints checkpoints_;
};

}  // namespace hone::launcher
