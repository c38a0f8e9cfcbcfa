#include <gmock/gmock.h>

#include <cstdlib>

#include "core/base/error.h"
#include "dist/launch_check.h"
#include "dist/make_communicator.h"
#include "dist/stop_signal.h"
#include "dist/thread_communicator.h"

namespace hone::dist {
namespace {

using testing::HasSubstr;

// Environment variables for the time of a test.
class Environment {
 public:
  Environment(std::initializer_list<std::pair<const char*, const char*>> variables) {
    for (const auto& [name, value] : variables) {
      names_.push_back(name);
      setenv(name, value, 1);
    }
  }
  ~Environment() {
    for (const char* name : names_) unsetenv(name);
  }

 private:
  std::vector<const char*> names_;
};

TEST(MpiSession, WithoutALauncherTheWorldIsThisProcess) {
  MpiSession session;
  EXPECT_FALSE(session.launched());
  EXPECT_EQ(session.rank(), 0);
  EXPECT_EQ(session.world_size(), 1);
  EXPECT_EQ(session.local_rank(), 0);
  EXPECT_EQ(session.local_size(), 1);
  EXPECT_FALSE(session.host().empty());
}

TEST(MpiSession, AbortAndFailEndAProcessWithoutALauncherWithTheirCode) {
  EXPECT_EXIT(MpiSession().abort(Exit::checkpoint), testing::ExitedWithCode(4), "");
  EXPECT_EXIT(MpiSession().fail(Error(Exit::input, "TT001", "bad row", "", "")), testing::ExitedWithCode(3),
              "^error\\[TT001\\]: bad row\n$");
}

TEST(MakeCommunicator, OneRankIsLocalForEveryBackend) {
  MpiSession session;
  for (const char* backend : {"auto", "mpi"}) {
    DistOptions options;
    options.backend = backend;
    EXPECT_EQ(make_communicator(options, session)->world_size(), 1);
  }
}

TEST(MakeCommunicator, NcclIsRefusedOnTheCpuAndMpiTakenAsItIsForHostWork) {
  MpiSession session;
  DistOptions options;
  options.backend = "nccl";
  try {
    make_communicator(options, session);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), "MP010");
    EXPECT_EQ(error.exit(), Exit::usage);
    EXPECT_THAT(error.what(), HasSubstr("use model.device cuda"));
  }
  EXPECT_EQ(make_host_communicator(options, session)->world_size(), 1);
  const DeviceUse device{0, [] { return nullptr; }};
  EXPECT_EQ(make_communicator(options, session, &device)->world_size(), 1);
}

TEST(MakeCommunicator, AnUnknownBackendIsRefused) {
  MpiSession session;
  DistOptions options;
  options.backend = "carrier-pigeon";
  EXPECT_THROW(make_communicator(options, session), Error);
}

TEST(MakeCommunicator, SeveralSlurmTasksThatEachSeeAWorldOfOneAreRefused) {
  const Environment slurm{{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "4"}};
  MpiSession session;
  try {
    make_communicator({}, session);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), "MP001");
    EXPECT_EQ(error.exit(), Exit::usage);
    EXPECT_THAT(error.what(), HasSubstr("4 tasks"));
    EXPECT_THAT(error.what(), HasSubstr("srun --mpi=pmix"));
  }
}

TEST(MakeCommunicator, OneSlurmTaskIsFine) {
  const Environment slurm{{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "4"}, {"SLURM_STEP_NUM_TASKS", "1"}};
  MpiSession session;
  EXPECT_EQ(make_communicator({}, session)->world_size(), 1);
}

TEST(GatherStrings, EveryRankGetsAllTextsInOrder) {
  for (int ranks = 1; ranks <= 4; ++ranks)
    run_ranks(ranks, [](Communicator& c) {
      const std::vector<std::string> texts = gather_strings(
          c, c.rank() == 1 ? "" : std::string(5 * c.rank() + 1, static_cast<char>('a' + c.rank())));
      std::vector<std::string> expected = {"a", "", "ccccccccccc", "dddddddddddddddd"};
      expected.resize(static_cast<std::size_t>(c.world_size()));
      EXPECT_EQ(texts, expected);
      EXPECT_EQ(gather_strings(c, ""), std::vector<std::string>(static_cast<std::size_t>(c.world_size())));
    });
}

TEST(RequireSame, NamesTheRanksThatDifferFromMost) {
  run_ranks(4, [](Communicator& c) {
    require_same(c, "config", 0xfedcba9876543210u);
    try {
      require_same(c, "build id", c.rank() == 0 || c.rank() == 3 ? 7u + static_cast<unsigned>(c.rank()) : 1u);
      ADD_FAILURE() << "no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), "MP004");
      EXPECT_THAT(error.what(), HasSubstr("build id differs: rank 0 on "));
      EXPECT_THAT(error.what(), HasSubstr(", rank 3 on "));
      EXPECT_THAT(error.what(), testing::Not(HasSubstr("rank 1")));
    }
  });
}

TEST(StopSignals, AnyRanksSignalIsAgreedByAll) {
  const StopSignals signals(false);
  run_ranks(3, [](Communicator& c) { EXPECT_FALSE(stop_agreed(c)); });
  for (const int signal : {SIGUSR1, SIGUSR2, SIGXCPU, SIGINT, SIGTERM}) {
    const StopSignals fresh(false);
    std::raise(signal);
    EXPECT_EQ(stop_requested(), signal);
    run_ranks(3, [](Communicator& c) { EXPECT_TRUE(stop_agreed(c)); });
  }
}

TEST(StopSignals, OneThatComesWithinAnotherCountsUntilTheOuterEnds) {
  {
    const StopSignals folds(false);
    {
      const StopSignals of_a_fold(false);
      std::raise(SIGUSR1);
    }
    EXPECT_EQ(stop_requested(), SIGUSR1);
    { const StopSignals of_the_next(false); }
    EXPECT_EQ(stop_requested(), SIGUSR1);
    std::raise(SIGUSR2);
    EXPECT_EQ(stop_requested(), SIGUSR2);
  }
  EXPECT_EQ(stop_requested(), 0);
}

TEST(StopSignals, UnderALauncherInterruptAndTerminateStillEndTheProcess) {
  EXPECT_EXIT(
      {
        const StopSignals signals(true);
        std::raise(SIGTERM);
      },
      testing::KilledBySignal(SIGTERM), "");
}

TEST(StopSignals, ASecondInterruptEndsTheProcess) {
  EXPECT_EXIT(
      {
        const StopSignals signals(false);
        std::raise(SIGINT);
        std::raise(SIGINT);
      },
      testing::KilledBySignal(SIGINT), "");
}

}  // namespace
}  // namespace hone::dist
