// Step times on machines whose numbers are easy to reckon with.
#include "core/train/step_time.h"

#include <gtest/gtest.h>

namespace hone::train {
namespace {

MachineOptions plain_machine() {
  MachineOptions machine;
  machine.ranks_per_node = 4;
  machine.tflops_bf16 = 2;
  machine.tflops_fp32 = 1;
  machine.achieved = 0.5;
  machine.memory_gb_s = 100;
  machine.node_gb_s = 8;
  machine.network_gb_s = 2;
  return machine;
}

std::vector<CollectiveUse> gradient_sum(std::int64_t bytes, std::int64_t largest) {
  return {{CollectiveKind::all_reduce, Phase::last_backward, {4, bytes}, largest, 1}};
}

constexpr StepWork kWork{
    .forward_flops = 1e12, .backward_flops = 2e12, .micro_batches = 3, .optimizer_bytes = 5e10};
constexpr std::int64_t kGigabyte = 1000000000;

}  // namespace

TEST(StepTime, ComputesAtTheAchievedRateOfTheTypeAndUpdatesAtThatOfMemory) {
  const MachineOptions machine = plain_machine();
  const StepSeconds seconds = step_seconds(kWork, {}, 1, machine);
  EXPECT_DOUBLE_EQ(seconds.compute, 9);
  EXPECT_DOUBLE_EQ(seconds.optimizer, 0.5);
  EXPECT_DOUBLE_EQ(seconds.total(), 9.5);
  StepWork wide = kWork;
  wide.wide = true;
  EXPECT_DOUBLE_EQ(step_seconds(wide, {}, 1, machine).compute, 18);
}

TEST(StepTime, HidesWhatOneBackwardCoversAndNeverTheLastBucket) {
  const MachineOptions machine = plain_machine();
  // On 4 ranks of a node an all-reduce sends 1.5 times its payload at 8 GB/s.
  const StepSeconds hidden = step_seconds(kWork, gradient_sum(8 * kGigabyte, kGigabyte), 4, machine);
  EXPECT_DOUBLE_EQ(hidden.communication, 1.5);
  EXPECT_DOUBLE_EQ(hidden.exposed, 1.5 / 8);
  const StepSeconds exposed = step_seconds(kWork, gradient_sum(16 * kGigabyte, kGigabyte), 4, machine);
  EXPECT_DOUBLE_EQ(exposed.exposed, 3 - 2);
  const std::vector<CollectiveUse> after{
      {CollectiveKind::all_gather, Phase::after_update, {1, 8 * kGigabyte}, 8 * kGigabyte, 1}};
  EXPECT_DOUBLE_EQ(step_seconds(kWork, after, 4, machine).exposed, 0.75);
}

TEST(StepTime, TakesTheSlowestLinkAndALatencyALevel) {
  MachineOptions machine = plain_machine();
  const CollectiveUse use = gradient_sum(8 * kGigabyte, kGigabyte).front();
  EXPECT_DOUBLE_EQ(seconds_of(use, 8, machine), 2 * 7.0 / 8 * 8 / 2);  // two nodes: over the network
  machine.node_us = 10, machine.network_us = 100;
  EXPECT_NEAR(seconds_of(use, 8, machine) - 7, 4 * 2 * (2 * 10 + 100) * 1e-6, 1e-9);
}

TEST(StepTime, RanksShareACpuNodeAndHaveAGpuEach) {
  MachineOptions machine = plain_machine();
  EXPECT_DOUBLE_EQ(step_seconds(kWork, {}, 4, machine).compute, 9);
  machine.device = "cpu";
  EXPECT_DOUBLE_EQ(step_seconds(kWork, {}, 4, machine).compute, 36);
  EXPECT_DOUBLE_EQ(step_seconds(kWork, {}, 4, machine).optimizer, 2);
}

}  // namespace hone::train
