#pragma once
// What a training run will take on any number of ranks, without them, the data or the weights: memory of a
// rank by part, what the ranks send each other, how long a step lasts, what goes to disk.
#include <optional>
#include <vector>

#include "core/base/json.h"
#include "core/model/memory.h"
#include "core/train/step_time.h"
#include "launcher/options/command_options.h"
#include "launcher/run_options.h"

namespace hone::launcher {

// A step's rows, all as long as data.max_length allows, dealt to ranks and cut into micro-batches as the
// loader does.
struct StepRows {
  std::int64_t length = 0;         // tokens of a row
  std::int64_t rows = 0;           // of a step, over all ranks
  std::int64_t micro_batches = 1;  // of each rank
  std::int64_t micro_rows = 1;     // of the largest micro-batch
  std::int64_t tokens() const { return rows * length; }
  std::int64_t micro_tokens() const { return micro_rows * length; }
};

struct RankBytes {
  model::MemoryEstimate held;
  std::int64_t activations = 0;
  std::int64_t checkpoint =
      0;                      // what is written beside the steps, and a file of it, built in memory; on CPUs
  std::int64_t reserved = 0;  // before any model
  std::int64_t total() const { return held.total() + activations + checkpoint + reserved; }
};

struct CheckpointPlan {
  std::int64_t rank_bytes = 0;  // of the rank that has most
  std::int64_t bytes = 0;       // of all ranks
  std::int64_t on_disk = 0;     // most that lie there at once
  double seconds = 0;
};

struct RunPlan {
  std::string device, dtype;
  int ranks = 1, nodes = 1, stage = 0;
  std::int64_t parameters = 0, trained = 0;
  StepRows step;
  RankBytes bytes;
  std::int64_t memory = 0;  // that a rank has; 0: not known
  std::vector<train::CollectiveUse> collectives;
  double flops = 0;                           // of a step, over all ranks
  std::optional<train::StepSeconds> seconds;  // of a machine that is described
  double peak_flops = 0;                      // of all its devices
  CheckpointPlan checkpoint;
  bool fits() const { return memory == 0 || bytes.total() <= memory; }
};

// Resolves every auto of the config that bears on it.
RunPlan plan_run(Config& config, const PlanOptions& options);

OrderedJson to_json(const RunPlan& plan);
std::vector<std::string> lines_of(const RunPlan& plan);  // for people

}  // namespace hone::launcher
