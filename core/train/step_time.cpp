#include "core/train/step_time.h"

#include <algorithm>
#include <bit>

namespace hone::train {
namespace {

constexpr double kGiga = 1e9, kTera = 1e12, kMicro = 1e-6;

double levels(std::int64_t n) {
  return static_cast<double>(std::bit_width(static_cast<std::uint64_t>(n - 1)));
}

double ratio(double amount, double rate) { return rate > 0 ? amount / rate : 0; }

double transfer_seconds(CollectiveKind kind, double bytes, double calls, int ranks,
                        const MachineOptions& machine) {
  const std::int64_t local = ranks_on_node(ranks, machine), nodes = (ranks + local - 1) / local;
  const double slowest = nodes == 1 ? machine.node_gb_s : std::min(machine.node_gb_s, machine.network_gb_s);
  const double latency = levels(local) * machine.node_us + levels(nodes) * machine.network_us;
  return ratio(on_the_wire(kind, bytes, ranks), slowest * kGiga) +
         calls * (kind == CollectiveKind::all_reduce ? 2 : 1) * latency * kMicro;
}

double largest_seconds(const CollectiveUse& use, int ranks, const MachineOptions& machine) {
  return transfer_seconds(use.kind, static_cast<double>(use.largest), 1, ranks, machine);
}

// What is left of a phase's collectives once the pass beside them is over: at least the one that has nothing
// beside it, the first of a pass that waits for weights, the last of one that makes gradients.
double exposed_in(Phase phase, double beside, const std::vector<CollectiveUse>& uses, int ranks,
                  const MachineOptions& machine) {
  double all = 0, alone = 0, times = 0;
  for (const CollectiveUse& use : uses) {
    if (use.phase != phase) continue;
    all += seconds_of(use, ranks, machine);
    alone = std::max(alone, largest_seconds(use, ranks, machine));
    times = static_cast<double>(use.times);
  }
  return times * std::max(all - beside, alone);
}

}  // namespace

std::int64_t ranks_on_node(int ranks, const MachineOptions& machine) {
  return std::min<std::int64_t>(ranks, machine.ranks_per_node);
}

double sharers(int ranks, const MachineOptions& machine) {
  return machine.device == "cpu" ? static_cast<double>(ranks_on_node(ranks, machine)) : 1.0;
}

double seconds_of(const CollectiveUse& use, int ranks, const MachineOptions& machine) {
  return transfer_seconds(use.kind, static_cast<double>(use.once.bytes), static_cast<double>(use.once.calls),
                          ranks, machine);
}

StepSeconds step_seconds(const StepWork& work, const std::vector<CollectiveUse>& uses, int ranks,
                         const MachineOptions& machine) {
  const double shared = sharers(ranks, machine);
  const double rate =
      (work.wide ? machine.tflops_fp32 : machine.tflops_bf16) * kTera * machine.achieved / shared;
  const double forward = ratio(work.forward_flops, rate), backward = ratio(work.backward_flops, rate);
  StepSeconds seconds;
  seconds.compute = static_cast<double>(work.micro_batches) * (forward + backward);
  for (const CollectiveUse& use : uses)
    seconds.communication += static_cast<double>(use.times) * seconds_of(use, ranks, machine);
  seconds.exposed = exposed_in(Phase::forward, forward, uses, ranks, machine) +
                    exposed_in(Phase::backward, backward, uses, ranks, machine) +
                    exposed_in(Phase::last_backward, backward, uses, ranks, machine) +
                    exposed_in(Phase::after_update, 0, uses, ranks, machine) +
                    exposed_in(Phase::agreement, 0, uses, ranks, machine);
  seconds.optimizer = ratio(work.optimizer_bytes, machine.memory_gb_s * kGiga / shared);
  return seconds;
}

}  // namespace hone::train
