// Two ranks train what one rank trains, and hold the same weights to the last bit.
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "dist/gradient_sync.h"
#include "dist/thread_communicator.h"
#include "tests/core/fakes.h"

namespace hone::test {
namespace {

constexpr std::int64_t kSteps = 8, kSamples = 10,
                       kBatch = 3;  // no batch divides by two; the last holds one sample

// Samples dealt in turn, each in a bin of its own; every rank has the same number of bins.
Cutter share_of(int rank, int ranks) {
  return [=](std::vector<TokenBatch> samples) {
    std::vector<TokenBatch> bins((samples.size() + ranks - 1) / ranks);
    for (std::size_t i = rank; i < samples.size(); i += ranks) bins[i / ranks] = samples[i];
    return bins;
  };
}

struct Trace {
  std::vector<StepResult> steps;
  std::vector<float> weights;
  std::string error;
  Exit exit = Exit::done;
};

std::vector<Trace> train_on(
    int ranks, const model::BuildSpec& spec, std::int64_t bucket_bytes = 1 << 12,
    const std::function<void(std::int64_t step, int rank, TinyRun&)>& before_step = [](std::int64_t, int,
                                                                                       TinyRun&) {}) {
  std::vector<Trace> traces(ranks);
  dist::run_ranks(ranks, [&](Communicator& communicator) {
    TinyRun run(spec);
    dist::ReplicatedReduction reduction(run.gradients.flat(), run.model.arena().layout(), communicator,
                                        bucket_bytes);
    ListSource source(kSamples, kBatch, share_of(communicator.rank(), ranks));
    Trace& trace = traces[communicator.rank()];
    try {
      for (std::int64_t step = 1; step <= kSteps; ++step) {
        before_step(step, communicator.rank(), run);
        trace.steps.push_back(run.step(source, step, communicator, reduction));
      }
    } catch (const Error& e) {
      trace.error = e.what();
      trace.exit = e.exit();
    }
    trace.weights = run.weights();
  });
  return traces;
}

void expect_equal(const model::BuildSpec& spec) {
  TinyRun one(spec);
  ListSource source(kSamples, kBatch, one_bin);
  std::vector<StepResult> expected;
  for (std::int64_t step = 1; step <= kSteps; ++step) expected.push_back(one.step(source, step));
  for (const int ranks : {2, 3}) {
    const std::vector<Trace> traces = train_on(ranks, spec);
    for (const Trace& trace : traces) ASSERT_EQ(trace.steps.size(), expected.size()) << trace.error;
    for (std::int64_t i = 0; i < kSteps; ++i) {
      EXPECT_NEAR(traces[0].steps[i].loss / expected[i].loss, 1.0, 1e-5) << "step " << i + 1;
      EXPECT_NEAR(traces[0].steps[i].grad_norm / expected[i].grad_norm, 1.0, 1e-5) << "step " << i + 1;
      EXPECT_EQ(traces[0].steps[i].supervised_tokens, expected[i].supervised_tokens);
      for (int r = 1; r < ranks; ++r) EXPECT_EQ(traces[r].steps[i].loss, traces[0].steps[i].loss);
    }
    for (int r = 1; r < ranks; ++r) EXPECT_EQ(traces[r].weights, traces[0].weights);
  }
}

}  // namespace

TEST(Ranks, TrainEveryWeightAsOneRankDoes) { expect_equal(full_spec()); }

TEST(Ranks, TrainAnAdapterUnderDropoutAsOneRankDoes) { expect_equal(lora_spec(0.2)); }

TEST(Ranks, BucketsOfAnySizeGiveTheSameBits) {
  const auto many = train_on(2, lora_spec(), 1), one = train_on(2, lora_spec(), 1 << 30);
  EXPECT_EQ(many[0].weights, one[0].weights);
}

TEST(Ranks, AnOverflowOnOneRankSkipsTheStepOnAll) {
  float good = 0;
  const auto spoil = [&](std::int64_t step, int rank, TinyRun& run) {  // before step 2, and mended after it
    if (rank != 1 || step < 2 || step > 3) return;
    float& weight = run.model.arena().master(0)[0];
    if (step == 2) good = weight;
    weight = step == 2 ? INFINITY : good;
    run.model.arena().publish();
  };
  const std::vector<Trace> traces = train_on(2, with_compute(lora_spec(), at::kHalf), 1 << 12, spoil);
  for (const Trace& trace : traces) {
    ASSERT_EQ(trace.steps.size(), static_cast<std::size_t>(kSteps)) << trace.error;
    for (std::int64_t i = 0; i < kSteps; ++i) EXPECT_EQ(trace.steps[i].skipped, i == 1) << "step " << i + 1;
    EXPECT_EQ(trace.steps[2].loss_scale, trace.steps[0].loss_scale / 2);
  }
  EXPECT_EQ(traces[0].weights, traces[1].weights);
}

TEST(Ranks, AllStopAtTheSameStepWhenOneIsNotFinite) {
  const auto spoil = [](std::int64_t step, int rank, TinyRun& run) {
    if (step == 1 && rank == 1) run.model.arena().master(0)[0] = NAN;
  };
  const std::vector<Trace> traces = train_on(2, lora_spec(), 1 << 12, spoil);
  EXPECT_EQ(traces[0].exit, Exit::not_finite);
  EXPECT_EQ(traces[0].error, traces[1].error);
  EXPECT_NE(traces[0].error.find("step 1"), std::string::npos);
}

}  // namespace hone::test
