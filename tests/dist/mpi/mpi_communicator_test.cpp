#include "dist/mpi_communicator.h"

#include <gmock/gmock.h>
#include <mpi.h>

#include <ctime>
#include <thread>

#include "core/base/error.h"
#include "dist/mpi_error.h"
#include "tests/dist/communicator_suite.h"
#include "tests/dist/mpi/test_session.h"
#include "tests/dist/values.h"

namespace hone::test {
namespace {

using namespace std::chrono_literals;
using dist::MpiCommunicator;
using testing::HasSubstr;

Backend mpi(const std::string& name, std::size_t piece_bytes) {
  return {name, [piece_bytes](const RankBody& body, std::chrono::milliseconds deadline) {
            MpiCommunicator communicator(test_session(), deadline, piece_bytes);
            body(communicator);
          }};
}

// Pieces of 512 bytes: the buffers of the suite go in many pieces, as those beyond 8 MiB do in earnest.
INSTANTIATE_TEST_SUITE_P(Mpi, CommunicatorSuite,
                         testing::Values(mpi("mpi", MpiCommunicator::kPieceBytes), mpi("mpi_in_pieces", 512)),
                         backend_name);

TEST(MpiError, CarriesTheTextOfMpi) {
  int value = 0;
  try {
    dist::mpi_check(MPI_Bcast(&value, 1, MPI_INT, 99, MPI_COMM_WORLD), "MPI_Bcast");
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), "MP002");
    EXPECT_EQ(error.exit(), Exit::peer);
    EXPECT_THAT(error.what(), HasSubstr("MPI_Bcast failed: "));
    EXPECT_THAT(error.what(), HasSubstr("MPI_ERR_ROOT: invalid root"));
  }
}

TEST(MpiCommunicator, RanksThatDisagreeAboutTheLengthAreTold) {
  MpiCommunicator c(test_session(), 2s);
  Values values(CommType::f32, values_of(0, c.rank() == 0 ? 100 : 200));
  try {
    c.broadcast(values.all(), 0)->wait();
    EXPECT_NE(c.rank(), 1) << "no error";
  } catch (const Error& error) {
    EXPECT_TRUE(error.code() == "MP007" || (c.rank() != 1 && error.code() == "MP005")) << error.what();
  }
}

// An exception on its way out drops what was started: that must not take the whole deadline.
TEST(MpiCommunicator, LeavingACollectiveReturnsSoon) {
  MpiCommunicator c(test_session(), 20s);
  if (c.rank() == 0) {
    Values values(CommType::f32, values_of(0, 1000));
    const auto began = std::chrono::steady_clock::now();
    { const WorkPtr left = c.all_reduce(values.all(), ReduceOp::sum); }
    EXPECT_LT(std::chrono::steady_clock::now() - began, 2s);
    EXPECT_THROW(c.barrier()->wait(), Error);
  }
}

double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

TEST(MpiCommunicator, WaitingLeavesTheCoreToOthers) {
  MpiCommunicator c(test_session(), 20s);
  c.barrier()->wait();
  if (c.rank() == c.world_size() - 1) {
    std::this_thread::sleep_for(1s);
    return c.barrier()->wait();
  }
  const double before = cpu_seconds();
  c.barrier()->wait();
  EXPECT_LT(cpu_seconds() - before, 0.15);
}

TEST(MpiCommunicator, TwoCommunicatorsDoNotMixUp) {
  MpiCommunicator a(test_session(), 20s), b(test_session(), 20s);
  Values x(CommType::f32, values_of(a.rank(), 300)), y(CommType::f32, values_of(a.rank() + 1, 300));
  MpiCommunicator& first = a.rank() % 2 == 0 ? a : b;
  MpiCommunicator& second = a.rank() % 2 == 0 ? b : a;
  const auto buffer = [&](MpiCommunicator& c) { return &c == &a ? x.all() : y.all(); };
  const WorkPtr one = first.broadcast(buffer(first), 0), two = second.broadcast(buffer(second), 0);
  two->wait();
  one->wait();
  EXPECT_EQ(x.read(), values_of(0, 300));
  EXPECT_EQ(y.read(), values_of(1, 300));
}

}  // namespace
}  // namespace hone::test
