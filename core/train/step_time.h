#pragma once
// How long a step should take on a machine that is described and not there: arithmetic at the rate it
// achieves, collectives hidden behind the passes they run beside as far as those last, then the optimizer at
// memory's rate.
#include "core/train/communication_plan.h"
#include "core/train/machine_options.h"

namespace hone::train {

// Of one rank, in one step.
struct StepWork {
  double forward_flops = 0, backward_flops = 0;  // a micro-batch
  std::int64_t micro_batches = 1;
  bool wide = false;           // in fp32
  double optimizer_bytes = 0;  // read and written
};

struct StepSeconds {
  double compute = 0;
  double communication = 0;  // all of it
  double exposed = 0;        // the part that nothing hides
  double optimizer = 0;
  double total() const { return compute + exposed + optimizer; }
};

StepSeconds step_seconds(const StepWork& work, const std::vector<CollectiveUse>& uses, int ranks,
                         const MachineOptions& machine);

// One run of a use's phase: a ring's payload at the slowest link on its way, and a latency a call that grows
// with the logarithms of ranks and nodes.
double seconds_of(const CollectiveUse& use, int ranks, const MachineOptions& machine);

// Ranks of a fully used node, and by how many ranks what [machine] states of it is shared.
std::int64_t ranks_on_node(int ranks, const MachineOptions& machine);
double sharers(int ranks, const MachineOptions& machine);

}  // namespace hone::train
