// Whatever is sharded over whatever number of ranks, training is the same; under the deterministic tree to
// the last bit.
#include <gtest/gtest.h>

#include <bit>

#include "core/train/evaluator.h"
#include "core/train/sharded_gradients.h"
#include "dist/gradient_sync.h"
#include "dist/thread_communicator.h"
#include "tests/core/fakes.h"

namespace hone::test {
namespace {

constexpr std::int64_t kSamples = 10, kBatch = 4;  // the last batch of an epoch holds two samples

struct Cut {
  int ranks = 1;
  std::int64_t stage = 0;
  bool tree = false;
  std::int64_t samples_in_bin = 1;  // the micro-batch's size
  int shard_ranks = 0;              // groups of ranks that share; 0: all
};

// Bin i is micro-batch i / ranks of rank i % ranks; as many on every rank, under the tree a power of two in
// all.
Cutter share_of(int rank, const Cut& cut) {
  return [=](std::vector<TokenBatch> samples) {
    std::vector<TokenBatch> bins;
    for (std::size_t i = 0; i < samples.size(); i += cut.samples_in_bin)
      bins.push_back(
          joined({samples.begin() + i,
                  samples.begin() + std::min<std::size_t>(samples.size(), i + cut.samples_in_bin)}));
    const std::size_t ranks = cut.ranks, rows = (bins.size() + ranks - 1) / ranks;
    bins.resize(cut.tree ? std::bit_ceil(std::max(bins.size(), ranks)) : rows * ranks);
    std::vector<TokenBatch> mine;
    for (std::size_t i = rank; i < bins.size(); i += ranks) mine.push_back(bins[i]);
    return mine;
  };
}

model::Sharding sharding_of(const Cut& cut, Communicator& ranks, const OptimOptions& options = {}) {
  return {cut.stage, cut.tree ? train::kTreeGranule : optim::granule_of(options), &ranks};
}

struct Trace {
  std::vector<double> losses, norms;
  std::vector<float> weights;
  std::int64_t frozen = 0, master = 0, state = 0, gradients = 0;  // bytes held
};

struct Gradients {
  std::unique_ptr<train::StepGradients> of_step;
  std::unique_ptr<GradientReduction> reduction;  // of whole ones
};

Gradients gradients_of(const model::Arena& arena, const Cut& cut, Communicator& ranks) {
  if (cut.stage > 0 || cut.tree)
    return {std::make_unique<train::ShardedGradients>(arena.layout(), arena.sharding(), cut.tree), nullptr};
  auto whole = std::make_unique<train::ArenaGradients>(arena.layout());
  auto reduction = dist::make_gradient_reduction(whole->flat(), arena.layout(), ranks);
  whole->set_reduction(reduction.get());
  return {std::move(whole), std::move(reduction)};
}

std::vector<Trace> train_on(const Cut& cut, model::BuildSpec spec, std::int64_t steps,
                            const OptimOptions& options = {.weight_decay = 0.01}, bool recompute = false) {
  std::vector<Trace> traces(cut.ranks);
  dist::run_ranks(cut.ranks, [&](Communicator& ranks) {
    model::BuildSpec mine = spec;
    mine.sharding = sharding_of(cut, ranks, options);
    CommunicatorPtr shards, replicas;
    if (cut.shard_ranks > 0) {
      shards = ranks.split(ranks.rank() / cut.shard_ranks);
      replicas = ranks.split(ranks.rank() % cut.shard_ranks);
      mine.sharding.communicator = shards.get();
      mine.sharding.replicas = replicas.get();
    }
    TinyRun run(mine, recompute);
    run.optimizer =
        optim::make_optimizer_on(at::kCPU, options, run.model.arena().layout(), run.model.arena().owned());
    const Gradients gradients = gradients_of(run.model.arena(), cut, ranks);
    ListSource source(kSamples, kBatch, share_of(ranks.rank(), cut));
    Trace& trace = traces[ranks.rank()];
    for (std::int64_t step = 1; step <= steps; ++step) {
      const StepResult result = run.step(source, step, ranks, *gradients.of_step);
      trace.losses.push_back(result.loss);
      trace.norms.push_back(result.grad_norm);
    }
    trace.weights = run.weights();
    trace.frozen = run.model.frozen_bytes();
    trace.master = run.model.arena().bytes();
    trace.gradients = gradients.of_step->bytes();
    for (const StateTensor& tensor : run.optimizer->state()) trace.state += std::ssize(tensor.bytes());
  });
  return traces;
}

model::BuildSpec nf4_spec(double dropout = 0) {
  model::BuildSpec spec = lora_spec(dropout);
  spec.nf4 = true;
  return spec;
}

std::string name_of(const Cut& cut) {
  return std::to_string(cut.ranks) + " ranks, stage " + std::to_string(cut.stage) + ", bins of " +
         std::to_string(cut.samples_in_bin);
}

// 20 steps within 1e-5 of one rank's, all ranks alike.
void expect_the_unsharded_losses(const model::BuildSpec& spec, bool recompute = false) {
  const Trace one = train_on({}, spec, 20)[0];
  for (int ranks = 1; ranks <= 4; ++ranks)
    for (std::int64_t stage = 0; stage <= 3; ++stage)
      for (const std::int64_t bin : {1, 2}) {
        const Cut cut{ranks, stage, false, bin};
        const std::vector<Trace> traces = train_on(cut, spec, 20, {.weight_decay = 0.01}, recompute);
        for (std::size_t i = 0; i < one.losses.size(); ++i) {
          EXPECT_NEAR(traces[0].losses[i] / one.losses[i], 1.0, 1e-5) << name_of(cut) << ", step " << i + 1;
          EXPECT_NEAR(traces[0].norms[i] / one.norms[i], 1.0, 1e-4) << name_of(cut) << ", step " << i + 1;
        }
        for (const Trace& trace : traces) {
          EXPECT_EQ(trace.losses, traces[0].losses) << name_of(cut);
          EXPECT_EQ(trace.weights, traces[0].weights) << name_of(cut);
        }
      }
}

}  // namespace

TEST(ZeroStages, EveryStageGivesTheUnshardedLossesOfAllWeights) { expect_the_unsharded_losses(full_spec()); }

TEST(ZeroStages, EveryStageGivesTheUnshardedLossesOfAnAdapterUnderDropout) {
  expect_the_unsharded_losses(lora_spec(0.2));
}

TEST(ZeroStages, EveryStageGivesTheUnshardedLossesOfAnAdapterOnNf4) {
  expect_the_unsharded_losses(nf4_spec(0.1));
}

TEST(ZeroStages, RecomputationChangesNoBit) {
  for (const auto& spec : {full_spec(), nf4_spec(0.1)})
    for (const std::int64_t stage : {1, 3}) {
      const Cut cut{2, stage};
      EXPECT_EQ(train_on(cut, spec, 5, {}, true)[0].weights, train_on(cut, spec, 5, {}, false)[0].weights);
    }
}

TEST(ZeroStages, MastersInAnotherTypeThanTheViewsAreSharded) {
  const model::BuildSpec spec = with_compute(full_spec(), at::kBFloat16);
  const Trace one = train_on({}, spec, 6)[0];
  for (const std::int64_t stage : {0, 1, 2, 3}) {
    const std::vector<Trace> traces = train_on({3, stage}, spec, 6);
    for (std::size_t i = 0; i < one.losses.size(); ++i)
      EXPECT_NEAR(traces[0].losses[i] / one.losses[i], 1.0, 2e-2);
    EXPECT_EQ(traces[1].weights, traces[0].weights);
  }
}

TEST(ZeroStages, TheTreeGivesTheSameBitsOnEveryPowerOfTwoOfRanksAtEveryStage) {
  for (const auto& spec : {full_spec(), lora_spec(0.2), nf4_spec(0.1)}) {
    const Trace one = train_on({1, 0, true}, spec, 8)[0];
    for (const int ranks : {1, 2, 4})
      for (std::int64_t stage = 0; stage <= 3; ++stage) {
        const Cut cut{ranks, stage, true};
        for (const Trace& trace : train_on(cut, spec, 8)) {
          EXPECT_EQ(trace.losses, one.losses) << name_of(cut);
          EXPECT_EQ(trace.norms, one.norms) << name_of(cut);
          EXPECT_EQ(trace.weights, one.weights) << name_of(cut);
        }
      }
  }
}

TEST(ZeroStages, GroupsOfRanksShareAndOthersHoldTheSame) {
  for (const auto& spec : {full_spec(), nf4_spec(0.1)}) {
    const Trace one = train_on({}, spec, 10)[0], tree = train_on({1, 0, true}, spec, 6)[0];
    for (std::int64_t stage = 1; stage <= 3; ++stage) {
      const std::vector<Trace> traces = train_on({4, stage, false, 1, /*shard_ranks=*/2}, spec, 10);
      for (std::size_t i = 0; i < one.losses.size(); ++i)
        EXPECT_NEAR(traces[0].losses[i] / one.losses[i], 1.0, 1e-5);
      for (const Trace& trace : traces) EXPECT_EQ(trace.weights, traces[0].weights);
      EXPECT_EQ(train_on({4, stage, true, 1, 2}, spec, 6)[3].weights, tree.weights);
    }
  }
}

TEST(ZeroStages, EveryOptimizerWorksInEveryStage) {
  for (const char* name : {"adamw_8bit", "adafactor", "lion", "sgd"}) {
    const OptimOptions options{.name = name, .weight_decay = 0.01, .momentum = 0.9};
    const Trace one = train_on({}, full_spec(), 6, options)[0];
    for (std::int64_t stage = 0; stage <= 3; ++stage) {
      const std::vector<Trace> traces = train_on({3, stage}, full_spec(), 6, options);
      for (std::size_t i = 0; i < one.losses.size(); ++i)
        EXPECT_NEAR(traces[0].losses[i] / one.losses[i], 1.0, 1e-4) << name << ", stage " << stage;
      for (const Trace& trace : traces)
        EXPECT_EQ(trace.weights, traces[0].weights) << name << ", stage " << stage;
    }
  }
}

TEST(ZeroStages, ARankWithNothingToEvaluateTakesPartInGathering) {
  const Golden golden("samples.safetensors");
  const auto loss = [&](std::int64_t stage, const model::BuildSpec& spec) {
    double losses[3] = {};
    dist::run_ranks(3, [&](Communicator& ranks) {
      model::BuildSpec mine = spec;
      mine.sharding = sharding_of({3, stage}, ranks);
      TinyRun run(mine);
      const auto bins = [&](const train::BatchVisitor& visit) {
        for (int bin = 0; bin < 2; ++bin)
          visit(ranks.rank() == bin ? batch_of(golden, 4 * bin, 4 * bin + 4) : TokenBatch{});
      };
      losses[ranks.rank()] = train::evaluate(*run.objective, run.model, bins, ranks).loss;
    });
    EXPECT_EQ(losses[1], losses[0]);
    EXPECT_EQ(losses[2], losses[0]);
    return losses[0];
  };
  for (const auto& spec : {full_spec(), nf4_spec()}) EXPECT_EQ(loss(3, spec), loss(0, spec));
}

TEST(ZeroStages, EachStageHoldsLess) {
  const auto held = [](std::int64_t stage, const model::BuildSpec& spec) {
    return train_on({4, stage}, spec, 1)[0];
  };
  const Trace whole = held(0, full_spec()), state = held(1, full_spec()), gradients = held(2, full_spec()),
              weights = held(3, full_spec());
  const auto quarter = [](std::int64_t bytes) {
    return static_cast<std::int64_t>(0.3 * static_cast<double>(bytes));
  };
  EXPECT_LT(state.state, quarter(whole.state));
  EXPECT_EQ(state.master, whole.master);  // fp32 views are the master itself
  EXPECT_LT(gradients.gradients, whole.gradients);
  EXPECT_LT(weights.master, quarter(whole.master));
  EXPECT_LT(held(3, lora_spec()).frozen, quarter(held(0, lora_spec()).frozen));
  EXPECT_LT(held(3, nf4_spec()).frozen, quarter(held(0, nf4_spec()).frozen));
}

}  // namespace hone::test
