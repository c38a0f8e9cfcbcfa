#include "checkpoint/folder.h"

#include "fixture.h"

namespace hone::checkpoint::testing {
namespace {

using Steps = std::vector<std::int64_t>;

std::vector<std::string> names_of(const Steps& steps) {
  std::vector<std::string> names;
  for (const std::int64_t step : steps) names.push_back(step_folder_name(step));
  return names;
}

TEST(Folder, OnlyExactNamesAreSteps) {
  EXPECT_EQ(step_folder_name(100), "step-00000100");
  EXPECT_EQ(step_of("step-00000100"), 100);
  EXPECT_EQ(step_of(step_folder_name(123456789012)), 123456789012);
  for (const char* name :
       {"step-100", "step-000000100", "step-0000010x", "step-00000100.tmp", "step--0000001", "step-", "step",
        "latest", ".step-00000100", "step-+0000100", "step-99999999999999999999"})
    EXPECT_EQ(step_of(name), -1) << name;
}

TEST(Folder, RetentionKeepsTheLastOnesTheBestAndNoAbandonedFuture) {
  const Steps steps{10, 20, 30, 40, 50};
  EXPECT_EQ(to_remove(steps, 50, -1, 3), (Steps{20, 10}));
  EXPECT_EQ(to_remove(steps, 50, 10, 3), (Steps{20}));
  EXPECT_EQ(to_remove(steps, 50, 40, 3), (Steps{20, 10}));
  EXPECT_EQ(to_remove(steps, 50, -1, 1), (Steps{40, 30, 20, 10}));
  EXPECT_EQ(to_remove(steps, 50, -1, 9), Steps{});
  EXPECT_EQ(to_remove(steps, 30, -1, 2), (Steps{50, 40, 10}));
  EXPECT_EQ(to_remove(steps, 30, 50, 2), (Steps{50, 40, 10}));
}

TEST(Folder, SavesKeepTheLastOnesAndTheBest) {
  const SampleRun run;
  for (const int keep : {1, 2, 3, 4}) {
    for (const bool best : {false, true}) {
      const TemporaryFolder folder;
      StoreOptions options;
      options.keep = keep;
      for (const std::int64_t step : {10, 20, 30, 40, 50, 60})
        save(folder.path(), 2, run.state(step, best && step >= 10 ? 10 : -1), options);
      Steps expected = best ? Steps{10} : Steps{};
      for (std::int64_t step = 70 - 10 * keep; step <= 60; step += 10) expected.push_back(step);
      EXPECT_EQ(list_directory(folder.path()), names_of(expected)) << keep << best;
    }
  }
}

TEST(Folder, DamagedFutureNeverPushesOutTheGoodOneJustSaved) {
  const SampleRun run;
  const TemporaryFolder folder;
  StoreOptions options;
  options.keep = 1;
  save(folder.path(), 1, run.state(30), options);
  write_bytes(folder / "step-00000030/manifest.json", "torn");
  save(folder.path(), 1, run.state(20), options);
  EXPECT_EQ(newest_good(folder.path()), folder / "step-00000020");
}

TEST(Folder, CleanRemovesWhatAKilledRunLeftAndNothingElse) {
  const SampleRun run;
  const TemporaryFolder folder;
  save(folder.path(), 1, run.state(10));
  for (const char* name : {"step-00000020.tmp", "step-00000005.gone.tmp", "step-00000010.old.tmp"}) {
    make_directories(folder / name);
    write_bytes(folder / name + "/rank-00000-00000.h5", "half");
  }
  std::filesystem::rename(folder / "step-00000010", folder / "step-00000030.old.tmp");
  std::filesystem::rename(folder / "step-00000010.old.tmp", folder / "step-00000010");
  write_bytes(folder / "notes.tmp", "mine");
  CheckpointFolder(folder.path()).clean();
  EXPECT_EQ(list_directory(folder.path()),
            (std::vector<std::string>{"notes.tmp", "step-00000010", "step-00000030"}));
}

TEST(Folder, EmptyOrMissingHoldsNoCheckpoints) {
  const TemporaryFolder folder;
  dist::LocalCommunicator alone;
  EXPECT_FALSE(CheckpointStore(folder / "none", alone).holds_checkpoints());
  EXPECT_EQ(newest_good(folder / "none"), std::nullopt);
  save(folder.path(), 1, SampleRun().state(1));
  EXPECT_TRUE(CheckpointStore(folder.path(), alone).holds_checkpoints());
}

}  // namespace
}  // namespace hone::checkpoint::testing
