#include <cmath>
#include <limits>

#include "checkpoint/async_saver.h"
#include "checkpoint/digest.h"
#include "fixture.h"

namespace hone::checkpoint::testing {
namespace {

// What rank `rank` of `world` would load on resume, put back in its place.
void load_shards(const std::string& checkpoint, const StateSpec& spec, int rank, int world, Bytes& whole) {
  LoadedCheckpoint loaded(checkpoint);
  const Manifest& manifest = loaded.manifest();
  for (const Range& shard : value_ranges(spec, manifest.layout, {rank, world, manifest.granule}))
    loaded.read(spec, shard, whole.data() + shard.begin * size_of(spec.type));
}

TEST(RoundTrip, AnyNumberOfRanksLoadsWhatAnyOtherSavedBitForBit) {
  const SampleRun run;
  for (const int writers : {1, 2, 3, 4, 8}) {
    const TemporaryFolder folder;
    save(folder.path(), writers, run.state(100));
    const std::string checkpoint = folder / "step-00000100";
    for (const int readers : {1, 2, 3, 4, 8}) {
      for (const SampleTensor& tensor : run.tensors) {
        Bytes gathered(tensor.bytes.size());
        for (int rank = 0; rank < readers; ++rank)
          load_shards(checkpoint, tensor.spec, rank, readers, gathered);
        EXPECT_TRUE(gathered == tensor.bytes) << writers << " -> " << readers << " " << tensor.spec.name;
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
    std::vector<Bytes> mine(state.tensors.size());
    for (std::size_t i = 0; i < mine.size(); ++i) {
      HeldTensor& tensor = state.tensors[i];
      const std::int64_t size = size_of(tensor.spec.type);
      for (const Range& shard : value_ranges(tensor.spec, run.layout, {ranks.rank(), 3, SampleRun::kGranule}))
        mine[i].insert(mine[i].end(), tensor.bytes.begin() + shard.begin * size,
                       tensor.bytes.begin() + shard.end * size);
      tensor.bytes = mine[i];
      tensor.only_stored = true;
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
    for (SampleTensor& tensor : loaded.tensors) tensor.bytes = read_whole(checkpoint, tensor.spec);
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
  const SampleRun run(3, builder.finish());
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
  EXPECT_GE(files, 8);
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
  for (std::size_t i = 0; i < run.tensors.size(); ++i) EXPECT_EQ(manifest.tensors[i], run.tensors[i].spec);
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

TEST(RoundTrip, TensorThatIsNotStoredAsAskedForIsRefused) {
  const SampleRun run;
  const TemporaryFolder folder;
  save(folder.path(), 1, run.state(1));
  const StateSpec good = run.tensors[0].spec;
  std::vector<StateSpec> bad(4, good);
  bad[0].name = "momentum";
  bad[1].type = StateType::u8;
  bad[2].count += 1;
  bad[3].per = StateSpec::kWhole;
  for (const StateSpec& spec : bad)
    EXPECT_EQ(code_of([&] { read_whole(folder / "step-00000001", spec); }), "CK013") << spec.name;
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
    for (SampleTensor& tensor : mine.tensors) std::ranges::fill(tensor.bytes, std::byte{0});
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
