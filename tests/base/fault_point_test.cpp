#include "core/base/fault_point.h"

#include <gmock/gmock.h>

#include <csignal>

#include "core/base/error.h"
#include "core/base/file_system.h"
#include "tests/base/temporary_folder.h"

namespace hone {
namespace {

// In a child: these tests end their process.
void pass(std::string_view setting, int rank, int times) {
  arm_fault_point(setting, rank);
  for (int i = 0; i < times; ++i) fault_point("step.reduce");
  std::exit(0);
}

TEST(FaultPoint, KillsTheRankThatComesThroughItForTheNthTime) {
  EXPECT_EXIT(pass("step.reduce", 5, 1), testing::KilledBySignal(SIGKILL), "");
  EXPECT_EXIT(pass("step.reduce:all", 5, 1), testing::KilledBySignal(SIGKILL), "");
  EXPECT_EXIT(pass("step.reduce:1:3", 1, 3), testing::KilledBySignal(SIGKILL), "");
  EXPECT_EXIT(pass("step.reduce:1:3:kill", 1, 4), testing::KilledBySignal(SIGKILL), "");
}

TEST(FaultPoint, LeavesOthersAlone) {
  EXPECT_EXIT(pass("step.reduce:1:3", 1, 2), testing::ExitedWithCode(0), "");
  EXPECT_EXIT(pass("step.reduce:1", 0, 9), testing::ExitedWithCode(0), "");
  EXPECT_EXIT(pass("step.forward", 0, 9), testing::ExitedWithCode(0), "");
  EXPECT_EXIT(pass("step.reduce@text", 0, 9), testing::ExitedWithCode(0), "");
}

TEST(FaultPoint, ChoosesAFileByItsPath) {
  const TemporaryFolder folder;
  const auto write = [&] {
    arm_fault_point("file.rename@b.txt:0", 0);
    write_file_atomic(folder.path() + "/a.txt", "a");
    write_file_atomic(folder.path() + "/b.txt", "b");
  };
  EXPECT_EXIT(write(), testing::KilledBySignal(SIGKILL), "");
  EXPECT_TRUE(path_exists(folder.path() + "/a.txt"));
  EXPECT_FALSE(path_exists(folder.path() + "/b.txt"));
}

TEST(FaultPoint, WhatIsNoSettingIsRefusedWithTheNamesThatAre) {
  for (const char* setting : {"", "step", "nowhere:0", "step.reduce:x", "step.reduce:-1", "step.reduce:0:0",
                              "step.reduce:0:1:hang", "step.reduce:0:1:kill:1"}) {
    try {
      arm_fault_point(setting, 0);
      ADD_FAILURE() << "taken: " << setting;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), "US060");
      EXPECT_EQ(error.exit(), Exit::usage);
      EXPECT_THAT(error.what(), testing::HasSubstr(" step.reduce "));
    }
  }
}

}  // namespace
}  // namespace hone
