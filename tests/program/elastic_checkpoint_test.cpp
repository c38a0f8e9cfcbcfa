// What N ranks saved at one ZeRO stage, M ranks load at another and save again: the same bytes, all of them.
#include <gtest/gtest.h>

#include <map>

#include "core/train/sharded_gradients.h"
#include "dist/thread_communicator.h"
#include "launcher/build_training.h"
#include "tests/checkpoint/fixture.h"
#include "tests/core/fakes.h"

namespace hone::test {
namespace {

using checkpoint::testing::TemporaryFolder;

constexpr int kRanks[] = {1, 2, 3, 4, 8};
std::int64_t stage_of(int ranks, int shift) { return (ranks + shift) % 4; }

// A rank of a run, put together as `hone train` does.
struct RankRun {
  TinyRun tiny;
  checkpoint::CheckpointStore store;
  launcher::RunCheckpoints checkpoints;

  RankRun(Communicator& ranks, std::int64_t stage, const OptimOptions& options, const std::string& folder)
      : tiny(sharded(ranks, stage, options)),
        store(folder, ranks),
        checkpoints(store, tiny.model, optimizer(options), {}, {}, /*beside_training=*/true) {}
  static model::BuildSpec sharded(Communicator& ranks, std::int64_t stage, const OptimOptions& options) {
    model::BuildSpec spec = full_spec();
    spec.sharding = {stage, optim::granule_of(options), &ranks};
    return spec;
  }
  optim::Optimizer& optimizer(const OptimOptions& options) {
    const model::Arena& arena = tiny.model.arena();
    tiny.optimizer = optim::make_optimizer(options, arena.layout(), arena.owned());
    return *tiny.optimizer;
  }
  void train(Communicator& ranks, std::int64_t steps) {
    const model::Arena& arena = tiny.model.arena();
    ListSource source(8, 4, [&](std::vector<TokenBatch> samples) {
      std::vector<TokenBatch> mine;
      const std::size_t world = ranks.world_size();
      samples.resize((samples.size() + world - 1) / world * world);
      for (std::size_t i = ranks.rank(); i < samples.size(); i += world) mine.push_back(samples[i]);
      return mine;
    });
    std::unique_ptr<train::StepGradients> shards;
    model::Sharding summed = arena.sharding();
    if (summed.stage == 0) summed.granule = train::kTreeGranule;
    shards = std::make_unique<train::ShardedGradients>(arena.layout(), summed, /*tree=*/summed.stage == 0);
    for (std::int64_t step = 1; step <= steps; ++step) tiny.step(source, step, ranks, *shards);
  }
  void save(std::int64_t step) {
    TrainState state;
    state.step = step;
    checkpoints.save(state);
    checkpoints.wait();
  }
};

std::map<std::string, std::vector<std::byte>> everything_in(const std::string& folder) {
  checkpoint::LoadedCheckpoint loaded(folder);
  std::map<std::string, std::vector<std::byte>> all;
  for (const StateSpec& spec : loaded.manifest().tensors) {
    std::vector<std::byte>& bytes = all[spec.name];
    bytes.resize(static_cast<std::size_t>(spec.count * size_of(spec.type)));
    loaded.read(spec, {0, spec.count}, bytes.data());
  }
  return all;
}

class Elastic : public ::testing::TestWithParam<std::string> {};

TEST_P(Elastic, TwentyFivePairsOfRanksGatherTheSameState) {
  const OptimOptions options{.name = GetParam(), .momentum = 0.9};
  int pairs = 0;
  for (const int n : kRanks) {
    const TemporaryFolder saved;
    dist::run_ranks(n, [&](Communicator& ranks) {
      RankRun run(ranks, stage_of(n, 0), options, saved.path());
      run.train(ranks, 2);
      run.save(2);
    });
    const auto expected = everything_in(saved / "step-00000002");
    for (const int m : kRanks) {
      const TemporaryFolder again;
      dist::run_ranks(m, [&](Communicator& ranks) {
        RankRun run(ranks, stage_of(m, n), options, again.path());
        EXPECT_EQ(run.checkpoints.load(saved / "step-00000002").step, 2);
        run.save(2);
      });
      EXPECT_EQ(everything_in(again / "step-00000002"), expected) << n << " to " << m;
      ++pairs;
    }
  }
  EXPECT_EQ(pairs, 25);
}

INSTANTIATE_TEST_SUITE_P(Optimizers, Elastic, ::testing::Values("adamw", "adamw_8bit", "adafactor", "sgd"));

}  // namespace
}  // namespace hone::test
