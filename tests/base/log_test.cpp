#include "core/base/log.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <thread>
#include <vector>

#include "core/base/error.h"
#include "core/base/progress.h"
#include "tests/base/temporary_folder.h"

namespace hone {
namespace {

using testing::HasSubstr;
using testing::Not;

// A console that is a file, so that a test can read what was said.
class LogTest : public testing::Test {
 protected:
  LogTest() : fd_(::open(folder_.file("console").c_str(), O_CREAT | O_RDWR | O_APPEND, 0644)) {}
  ~LogTest() override { ::close(fd_); }
  Log::Settings settings(int rank, bool terminal) const {
    return {.rank = rank, .console_level = LogLevel::info, .console_fd = fd_, .terminal = terminal};
  }
  std::string console() const { return folder_.read("console"); }

  TemporaryFolder folder_;
  int fd_;
};

TEST_F(LogTest, RankZeroSpeaksOnTheConsoleOthersInTheirFiles) {
  Log first(settings(0, false)), second(settings(1, false));
  first.open_file(folder_.path());
  second.open_file(folder_.path());
  first.info("loaded {} tensors", 272);
  first.debug("detail");
  second.warning("slow disk");
  EXPECT_EQ(console(), "loaded 272 tensors\n");
  EXPECT_THAT(folder_.read("logs/rank-000.log"), HasSubstr("rank 0 info: loaded 272 tensors"));
  EXPECT_THAT(folder_.read("logs/rank-000.log"), HasSubstr("debug: detail"));
  EXPECT_THAT(folder_.read("logs/rank-001.log"), HasSubstr("rank 1 warning: slow disk"));
}

TEST_F(LogTest, ColoursOnlyOnATerminalWithoutNoColor) {
  ::unsetenv("NO_COLOR");
  Log(settings(0, false)).warning("plain");
  EXPECT_EQ(console(), "warning: plain\n");
  Log(settings(0, true)).warning("bright");
  EXPECT_THAT(console(), HasSubstr("\033[33mwarning: \033[0mbright"));
  ::setenv("NO_COLOR", "1", 1);
  Log(settings(0, true)).warning("quiet");
  ::unsetenv("NO_COLOR");
  EXPECT_THAT(console(), HasSubstr("warning: quiet"));
}

TEST_F(LogTest, AFailurePrintsFromAnyRankAsItIs) {
  Log log(settings(3, false));
  log.open_file(folder_.path());
  log.failure("error[ST001]: not a safetensors file");
  EXPECT_EQ(console(), "error[ST001]: not a safetensors file\n");
  EXPECT_THAT(folder_.read("logs/rank-003.log"), HasSubstr("error[ST001]"));
}

TEST_F(LogTest, LinesOfManyThreadsStayWhole) {
  Log log(settings(0, false));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i) log.info("{}", std::string(200, 'x'));
    });
  for (auto& thread : threads) thread.join();
  std::string expected;
  for (int i = 0; i < 400; ++i) expected += std::string(200, 'x') + "\n";
  EXPECT_EQ(console(), expected);
}

TEST_F(LogTest, AFolderThatCannotBeMadeIsExitEight) {
  const std::string blocked = folder_.write("file", "");
  Log log(settings(0, false));
  try {
    log.open_file(blocked);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.exit(), Exit::output);
  }
}

TEST_F(LogTest, ProgressIsPlainLinesEveryNStepsWithoutATerminal) {
  double now = 100;
  Log log(settings(0, false));
  Progress progress(log, "step", 4, 0, 2, [&] { return now; });
  for (int step = 1; step <= 4; ++step) {
    now += 2;
    progress.update({.step = step, .tokens = 3000, .loss = 2.5, .lr = 2e-4});
  }
  EXPECT_EQ(console(),
            "step 2/4  loss 2.5000  lr 2.00e-04  1,500 tokens/s  ETA 0:04\n"
            "step 4/4  loss 2.5000  lr 2.00e-04  1,500 tokens/s  in 0:08\n");
}

TEST_F(LogTest, ProgressIsOneLineRedrawnInPlaceOnATerminal) {
  double now = 0;
  Log log(settings(0, true));
  {
    Progress progress(log, "step", 100, 50, 1, [&] { return now; });
    now = 1;
    progress.update({.step = 51});
    now = 1.01;  // too soon to draw again
    progress.update({.step = 52});
    log.info("saved");
  }
  EXPECT_EQ(console(), "\r\033[Kstep 51/100  ETA 0:49\r\033[Ksaved\nstep 51/100  ETA 0:49\r\033[K");
}

TEST(Progress, FormatsDurationsAndCounts) {
  EXPECT_EQ(format_duration(7), "0:07");
  EXPECT_EQ(format_duration(3723), "1:02:03");
  EXPECT_EQ(format_count(999), "999");
  EXPECT_EQ(format_count(1234567), "1,234,567");
  EXPECT_EQ(format_count(-1234), "-1,234");
}

}  // namespace
}  // namespace hone
