#include <cmath>
#include <limits>

#include "checkpoint/async_saver.h"
#include "checkpoint/digest.h"
#include "fixture.h"

namespace hone::checkpoint::testing {
namespace {

// What rank `rank` of `world` would load on resume, put back in its place.
void load_shards(const std::string& checkpoint, const std::string& name, int rank, int world,
                 std::vector<float>& whole) {
  LoadedCheckpoint loaded(checkpoint);
  for (const Range& shard : shards_of(loaded.manifest().layout, rank, world, loaded.manifest().granule))
    loaded.read(name, shard,
                std::span(whole).subspan(static_cast<std::size_t>(shard.begin),
                                         static_cast<std::size_t>(shard.length())));
}

TEST(RoundTrip, AnyNumberOfRanksLoadsWhatAnyOtherSavedBitForBit) {
  const SampleRun run;
  for (const int writers : {1, 2, 3, 4, 8}) {
    const TemporaryFolder folder;
    save(folder.path(), writers, run.state(100));
    const std::string checkpoint = folder / "step-00000100";
    for (const int readers : {1, 2, 3, 4, 8}) {
      for (std::size_t i = 0; i < run.names.size(); ++i) {
        std::vector<float> gathered(run.values[i].size());
        for (int rank = 0; rank < readers; ++rank)
          load_shards(checkpoint, run.names[i], rank, readers, gathered);
        EXPECT_TRUE(same_bits(gathered, run.values[i]))
            << writers << " -> " << readers << " " << run.names[i];
      }
    }
  }
}

TEST(RoundTrip, StateHeldInShardsGivesTheSameFilesAsStateHeldWhole) {
  const SampleRun run;
  const TemporaryFolder whole, sharded;
  save(whole.path(), 3, run.state(1));
  dist::run_ranks(3, [&](Communicator& ranks) {
    CheckpointState state = run.state(1);
    std::vector<std::vector<float>> mine(state.tensors.size());
    for (std::size_t i = 0; i < mine.size(); ++i) {
      for (const Range& shard : shards_of(run.layout, ranks.rank(), 3, SampleRun::kGranule))
        mine[i].insert(mine[i].end(), run.values[i].begin() + shard.begin, run.values[i].begin() + shard.end);
      state.tensors[i].values = mine[i];
      state.tensors[i].holding = FlatTensor::Holding::shards;
    }
    CheckpointStore(sharded.path(), ranks).save(state);
  });
  const std::string step = "step-00000001";
  for (const std::string& name : list_directory(whole / step))
    EXPECT_EQ(read_bytes(whole / step + "/" + name), read_bytes(sharded / step + "/" + name)) << name;
}

TEST(RoundTrip, SavingWhatWasLoadedGivesTheSameBytesThoughOtherRanksHeldItBetween) {
  const SampleRun run;
  const TemporaryFolder first, between, last;
  save(first.path(), 4, run.state(9));
  const auto reload = [&](const std::string& checkpoint) {
    SampleRun loaded;
    for (std::size_t i = 0; i < loaded.names.size(); ++i)
      loaded.values[i] = read_whole(checkpoint, loaded.names[i]);
    return loaded;
  };
  const SampleRun one = reload(first / "step-00000009");
  save(between.path(), 3, one.state(9));
  const SampleRun two = reload(between / "step-00000009");
  save(last.path(), 4, two.state(9));
  for (const std::string& name : list_directory(first / "step-00000009"))
    EXPECT_EQ(read_bytes(first / "step-00000009/" + name), read_bytes(last / "step-00000009/" + name))
        << name;
}

TEST(RoundTrip, FilesStayUnderTheLimitAndRangesAreReadAcrossThem) {
  ArenaLayoutBuilder builder;
  builder.begin_block("b");
  builder.add("w", {50000}, true);
  SampleRun run;
  run.layout = builder.finish();
  for (auto& values : run.values) values = arena_values(run.layout.size, 3);
  const TemporaryFolder folder;
  StoreOptions options;
  options.max_file_bytes = 64 << 10;
  save(folder.path(), 2, run.state(1), options);
  const std::string checkpoint = folder / "step-00000001";
  int files = 0;
  for (const auto& file : std::filesystem::directory_iterator(checkpoint)) {
    if (file.path().extension() != ".h5") continue;
    ++files;
    EXPECT_LE(file.file_size(), 64u << 10);
  }
  EXPECT_GE(files, 12);
  expect_holds(checkpoint, run);
}

TEST(RoundTrip, ManifestBringsBackWhatTheCallerPassed) {
  const SampleRun run;
  const TemporaryFolder folder;
  const CheckpointState state = run.state(12, 7);
  save(folder.path(), 2, state);
  const LoadedCheckpoint loaded(folder / "step-00000012/");
  const Manifest& manifest = loaded.manifest();
  EXPECT_EQ(manifest.step, 12);
  EXPECT_EQ(manifest.best_step, 7);
  EXPECT_EQ(manifest.world_size, 2);
  EXPECT_EQ(manifest.granule, SampleRun::kGranule);
  EXPECT_EQ(manifest.trainer, state.trainer);
  EXPECT_EQ(manifest.trainer["best"]["loss"].get<double>(), 0.1 + 0.2);
  EXPECT_EQ(manifest.config, state.config);
  EXPECT_EQ(manifest.digests, state.digests);
  ASSERT_EQ(manifest.layout.parameters.size(), 4u);
  EXPECT_EQ(manifest.layout.parameters[1].shape, (std::vector<std::int64_t>{4, 33}));
  EXPECT_FALSE(manifest.layout.parameters[3].decay);
  EXPECT_EQ(manifest.layout.blocks[2].name, "head");
}

TEST(RoundTrip, TrainerStateThatJsonCannotHoldIsRefusedAndNothingIsLeft) {
  const SampleRun run;
  const TemporaryFolder folder;
  CheckpointState state = run.state(1);
  state.trainer["best"] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(code_of([&] { save(folder.path(), 1, state); }), "CK012");
  EXPECT_TRUE(list_directory(folder.path()).empty());
}

TEST(RoundTrip, UnknownTensorIsRefused) {
  const SampleRun run;
  const TemporaryFolder folder;
  save(folder.path(), 1, run.state(1));
  EXPECT_EQ(code_of([&] { read_whole(folder / "step-00000001", "momentum"); }), "CK013");
}

TEST(RoundTrip, DigestIsTheOneOthersCompute) {
  EXPECT_EQ(xxh3_hex({}), "99aa06d3014798d86001c324468d497f");  // `xxhsum -H2` of an empty file
}

TEST(Async, SavesTheStateAsItWasAndPollMakesItFinal) {
  SampleRun run;
  const SampleRun before = run;
  const TemporaryFolder folder;
  dist::run_ranks(3, [&](Communicator& ranks) {
    SampleRun mine = before;
    CheckpointStore store(folder.path(), ranks);
    AsyncSaver saver(store);
    saver.save(mine.state(5));
    for (auto& values : mine.values) std::fill(values.begin(), values.end(), 0.0f);
    while (!saver.poll()) std::this_thread::yield();
    EXPECT_TRUE(path_exists(folder / "step-00000005"));
    saver.save(mine.state(6));
    saver.save(before.state(7));
    saver.wait();
  });
  EXPECT_EQ(list_directory(folder.path()),
            (std::vector<std::string>{"step-00000005", "step-00000006", "step-00000007"}));
  expect_holds(folder / "step-00000005", before);
  expect_holds(folder / "step-00000007", before);
}

TEST(Async, FailureOnOneRankIsThrownOnEveryRankByTheNextCall) {
  const SampleRun run;
  const TemporaryFolder folder;
  set_write_fault_hook([](std::string_view point, const std::string& path) {
    if (point == "fsync" && path.find("rank-00001") != std::string::npos)
      throw Error(Exit::output, "FS010", "cannot write", path, "No space left on device");
  });
  std::atomic<int> thrown = 0;
  dist::run_ranks(3, [&](Communicator& ranks) {
    CheckpointStore store(folder.path(), ranks);
    AsyncSaver saver(store);
    saver.save(run.state(5));
    std::string message;
    if (code_of([&] { saver.wait(); }, &message) == "CK012") ++thrown;
    EXPECT_NE(message.find("rank 1"), std::string::npos) << message;
  });
  set_write_fault_hook({});
  EXPECT_EQ(thrown, 3);
  EXPECT_TRUE(list_directory(folder.path()).empty());
}

}  // namespace
}  // namespace hone::checkpoint::testing
