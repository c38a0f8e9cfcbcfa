// A run killed, or a disk that fails, at every write, sync and rename of a save: the checkpoint before it
// stays.
#include <sys/resource.h>
#include <sys/wait.h>

#include <atomic>
#include <csignal>

#include "fixture.h"

namespace hone::checkpoint::testing {
namespace {

struct Killed {};  // no std::exception: nothing on the way may handle it, as nothing handles a real kill

// Calls `action` at point number `target` (from 0); counts them all. Ranks may be threads.
class FaultAt {
 public:
  FaultAt(int target, std::function<void(const std::string&)> action) {
    set_write_fault_hook([this, target, action](std::string_view, const std::string& path) {
      if (seen_.fetch_add(1) == target) action(path);
    });
  }
  ~FaultAt() { set_write_fault_hook({}); }
  int seen() const { return seen_; }

 private:
  std::atomic<int> seen_ = 0;
};

int exit_of(pid_t child) {
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

// Runs `body` in a process of its own, which ends without any clean-up.
int in_child(const std::function<int()>& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    int code = 99;
    try {
      code = body();
    } catch (...) {
    }
    ::_exit(code);
  }
  return exit_of(child);
}

class Kill : public ::testing::Test {
 protected:
  // Steps 10 (good) and 20 (being written) with different values; afterwards exactly one of them is the
  // newest.
  int points_of_save(int ranks) {
    const TemporaryFolder folder;
    FaultAt count(-1, {});
    save(folder.path(), ranks, old_.state(10));
    return count.seen();
  }
  void expect_usable(const std::string& folder, int point) {
    const std::optional<std::string> found = newest_good(folder);
    ASSERT_TRUE(found) << "point " << point;
    const bool is_new = found->ends_with("step-00000020");
    expect_holds(*found, is_new ? new_ : old_);
    for (const std::string& name : list_directory(folder))
      EXPECT_GE(step_of(name), 0) << name << " left after point " << point;
    save(folder, 1, new_.state(20));
    expect_holds(folder + "/step-00000020", new_);
  }

  SampleRun old_{1}, new_{2};
};

TEST_F(Kill, ThrownAtEveryPointLeavesThePreviousCheckpoint) {
  const int points = points_of_save(1);
  EXPECT_GE(points, 7);
  for (int point = 0; point < points; ++point) {
    const TemporaryFolder folder;
    save(folder.path(), 1, old_.state(10));
    {
      FaultAt fault(point, [](const std::string&) { throw Killed(); });
      dist::LocalCommunicator alone;
      EXPECT_THROW(CheckpointStore(folder.path(), alone).save(new_.state(20)), Killed);
    }
    EXPECT_TRUE(newest_good(folder.path())->ends_with("step-00000010"));
    expect_usable(folder.path(), point);
  }
}

TEST_F(Kill, ProcessOfThreeRanksGoneAtEveryPointLeavesThePreviousCheckpoint) {
  const int points = points_of_save(3);
  for (int point = 0; point < points; ++point) {
    const TemporaryFolder folder;
    save(folder.path(), 3, old_.state(10));
    const int code = in_child([&] {
      FaultAt fault(point, [](const std::string&) { ::_exit(66); });
      save(folder.path(), 3, new_.state(20));
      return 0;
    });
    EXPECT_EQ(code, 66);
    expect_usable(folder.path(), point);
  }
}

TEST_F(Kill, WhileReplacingACheckpointOfTheSameStepEitherIsWhole) {
  for (int point = 0; point < points_of_save(1) + 1; ++point) {
    const TemporaryFolder folder;
    save(folder.path(), 1, old_.state(20));
    in_child([&] {
      FaultAt fault(point, [](const std::string&) { ::_exit(66); });
      save(folder.path(), 1, new_.state(20));
      return 0;
    });
    const std::optional<std::string> found = newest_good(folder.path());
    ASSERT_TRUE(found) << "point " << point;
    expect_holds(*found, old_);  // the last point comes before the rename that brings the new one
    EXPECT_EQ(list_directory(folder.path()).size(), 1u);
  }
}

TEST_F(Kill, WhileRetentionRemovesLeavesOnlyWholeCheckpoints) {
  const int points = points_of_save(1) + 1;
  const TemporaryFolder folder;
  StoreOptions options;
  options.keep = 1;
  save(folder.path(), 1, old_.state(10), options);
  const int code = in_child([&] {
    FaultAt fault(points - 1, [](const std::string&) { ::_exit(66); });
    save(folder.path(), 1, new_.state(20), options);
    return 0;
  });
  EXPECT_EQ(code, 66);
  EXPECT_TRUE(newest_good(folder.path())->ends_with("step-00000020"));
  expect_usable(folder.path(), points - 1);
}

TEST_F(Kill, DiskFullAtAnyPointOnAnyRankIsExit8OnAllAndLeavesNoHalfCheckpoint) {
  const int points = points_of_save(3);
  for (int point = 0; point < points; ++point) {
    const TemporaryFolder folder;
    save(folder.path(), 3, old_.state(10));
    std::atomic<int> failed = 0;
    {
      FaultAt fault(point, [](const std::string& path) {
        throw Error(Exit::output, "FS010", "cannot write", path, "No space left on device");
      });
      dist::run_ranks(3, [&](Communicator& ranks) {
        try {
          CheckpointStore(folder.path(), ranks).save(new_.state(20));
        } catch (const Error& error) {
          EXPECT_EQ(error.exit(), Exit::output);
          EXPECT_EQ(error.code(), "CK012");
          EXPECT_NE(std::string(error.what()).find("rank "), std::string::npos);
          EXPECT_NE(std::string(error.what()).find("No space left"), std::string::npos);
          ++failed;
        }
      });
    }
    EXPECT_EQ(failed, 3) << "point " << point;
    EXPECT_EQ(list_directory(folder.path()), std::vector<std::string>{"step-00000010"}) << "point " << point;
    expect_usable(folder.path(), point);
  }
}

TEST_F(Kill, FailedReplacementPutsTheOldOneBack) {
  const TemporaryFolder folder;
  save(folder.path(), 1, old_.state(20));
  {
    FaultAt fault(points_of_save(1), [](const std::string& path) {
      throw Error(Exit::output, "FS010", "cannot write", path, "Input/output error");
    });
    EXPECT_EQ(code_of([&] { save(folder.path(), 1, new_.state(20)); }), "CK012");
  }
  EXPECT_EQ(list_directory(folder.path()), std::vector<std::string>{"step-00000020"});
  expect_holds(folder / "step-00000020", old_);
}

TEST_F(Kill, FileSizeLimitOfTheSystemIsExit8) {
  const TemporaryFolder folder;
  save(folder.path(), 1, old_.state(10));
  const int code = in_child([&]() -> int {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1024, 1024};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    try {
      save(folder.path(), 1, new_.state(20));
    } catch (const Error& error) {
      return static_cast<int>(error.exit());
    }
    return 0;
  });
  EXPECT_EQ(code, 8);
  EXPECT_EQ(list_directory(folder.path()), std::vector<std::string>{"step-00000010"});
}

TEST_F(Kill, FolderThatCannotBeMadeIsExit8) {
  const TemporaryFolder folder;
  write_bytes(folder / "file", "x");
  try {
    save(folder / "file/checkpoints", 2, old_.state(1));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.exit(), Exit::output);
  }
}

}  // namespace
}  // namespace hone::checkpoint::testing
