#include "dist/thread_communicator.h"

#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "core/base/error.h"
#include "dist/local_communicator.h"
#include "tests/dist/communicator_suite.h"
#include "tests/dist/values.h"

namespace hone::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

Backend threads(int ranks) {
  return {"thread" + std::to_string(ranks),
          [ranks](const RankBody& body, std::chrono::milliseconds deadline) {
            dist::run_ranks(ranks, body, deadline);
          }};
}

Backend local() {
  return {"local", [](const RankBody& body, std::chrono::milliseconds) {
            dist::LocalCommunicator communicator;
            body(communicator);
          }};
}

INSTANTIATE_TEST_SUITE_P(Threads, CommunicatorSuite,
                         testing::Values(local(), threads(1), threads(2), threads(3), threads(4)),
                         backend_name);

TEST(RunRanks, AFailingRankReleasesTheOthersAndItsErrorIsTheOneThatComesOut) {
  std::atomic<int> released = 0;
  const auto body = [&](Communicator& c) {
    c.barrier()->wait();
    Values values(CommType::f32, {1});
    try {
      const WorkPtr work = c.all_reduce(values.all(), ReduceOp::sum);
      if (c.rank() == 2) throw Error(Exit::input, "TT001", "bad row", "rows.jsonl:7", "made for a test");
      c.barrier()->wait();
    } catch (const Error& error) {
      if (error.code() == "MP006" && error.exit() == Exit::peer) ++released;
      throw;
    }
  };
  try {
    dist::run_ranks(4, body, 10s);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), "TT001");
  }
  EXPECT_EQ(released, 3);
}

TEST(RunRanks, ARankThatComesAfterTheDeadlineIsRefusedToo) {
  const auto body = [](Communicator& c) {
    if (c.rank() == 1) std::this_thread::sleep_for(400ms);
    c.barrier()->wait();
  };
  EXPECT_THROW(dist::run_ranks(2, body, 50ms), Error);
}

TEST(RunRanks, CallsThatDoNotBelongTogetherAreNamed) {
  const auto body = [](Communicator& c) {
    Values values(CommType::f32, {1, 2});
    if (c.rank() == 1)
      c.barrier()->wait();
    else
      c.all_reduce(values.all(), ReduceOp::min)->wait();
  };
  try {
    dist::run_ranks(2, body, 10s);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("number 0: rank 0 calls all_reduce of 2 f32 (min), rank 1 barrier"));
  }
}

TEST(RunRanks, WorkLeftWithoutWaitingIsHarmlessOnceDone) {
  dist::run_ranks(3, [](Communicator& c) {
    Values values(CommType::i32, {1});
    {
      const WorkPtr left = c.all_reduce(values.all(), ReduceOp::sum);
      c.barrier()->wait();
    }
    c.barrier()->wait();
    EXPECT_EQ(values.read()[0], 3);
  });
}

}  // namespace
}  // namespace hone::test
