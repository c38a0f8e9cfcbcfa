#include <gmock/gmock.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "dist/gpu_share.h"
#include "dist/gradient_sync.h"
#include "dist/launch_check.h"
#include "dist/make_communicator.h"
#include "dist/mpi_communicator.h"
#include "dist/placement.h"
#include "dist/stop_signal.h"
#include "tests/dist/mpi/test_session.h"

namespace hone::test {
namespace {

TEST(MpiSession, KnowsItsPlaceInTheWorldAndOnItsNode) {
  const dist::MpiSession& session = test_session();
  EXPECT_TRUE(session.launched());
  EXPECT_GE(session.world_size(), 2);
  EXPECT_LT(session.rank(), session.world_size());
  EXPECT_EQ(session.local_size(), session.world_size());  // the tests run on one host
  EXPECT_EQ(session.local_rank(), session.rank());
  for (int r = 0; r < session.world_size(); ++r) EXPECT_EQ(session.host_of(r), session.host());
}

TEST(MakeCommunicator, SeveralRanksTalkThroughMpi) {
  const CommunicatorPtr c = dist::make_communicator({}, test_session());
  EXPECT_NE(dynamic_cast<dist::MpiCommunicator*>(c.get()), nullptr);
  EXPECT_EQ(c->world_size(), test_session().world_size());
  EXPECT_EQ(c->rank(), test_session().rank());
}

TEST(MakeCommunicator, RanksOnDevicesNeedNcclAndADevice) {
  const auto code_of = [](const char* backend) -> std::string {
    DistOptions options;
    options.backend = backend;
    const dist::DeviceUse no_such_device{9999, [] { return nullptr; }};
    try {
      dist::make_communicator(options, test_session(), &no_such_device);
    } catch (const Error& error) {
      return error.code();
    }
    return "none";
  };
  EXPECT_EQ(code_of("mpi"), "MP010");
  EXPECT_EQ(code_of("auto"), "MP012");
  EXPECT_EQ(code_of("nccl"), "MP012");
}

TEST(TakeOwnGpu, EachRankOfANodeIsLeftAnother) {
  setenv("CUDA_VISIBLE_DEVICES", "GPU-a,GPU-b,GPU-c,GPU-d", 1);
  dist::take_own_gpu(test_session());
  const std::string own = std::string("GPU-") + static_cast<char>('a' + test_session().local_rank());
  EXPECT_EQ(dist::visible_gpus(), std::vector<std::string>{own});
  unsetenv("CUDA_VISIBLE_DEVICES");
}

TEST(LaunchCheck, TextsAndDigestsTravel) {
  const CommunicatorPtr c = dist::make_communicator({}, test_session());
  const std::vector<std::string> texts = dist::gather_strings(*c, "rank " + std::to_string(c->rank()));
  for (int r = 0; r < c->world_size(); ++r) EXPECT_EQ(texts[r], "rank " + std::to_string(r));
  dist::require_same(*c, "config", 42);
  EXPECT_THROW(dist::require_same(*c, "config", static_cast<std::uint64_t>(c->rank())), Error);
}

TEST(StopSignals, OneRanksSignalStopsAll) {
  const CommunicatorPtr c = dist::make_communicator({}, test_session());
  const dist::StopSignals signals(test_session().launched());
  EXPECT_FALSE(dist::stop_agreed(*c));
  if (c->rank() == c->world_size() - 1) std::raise(SIGUSR2);
  EXPECT_TRUE(dist::stop_agreed(*c));
}

TEST(ReplicatedReduction, SumsAFewMegabytesWhileBlocksBecomeFinal) {
  const CommunicatorPtr c = dist::make_communicator({}, test_session());
  ArenaLayout layout;
  for (int block = 0; block < 10; ++block) {
    layout.blocks.push_back({"layers." + std::to_string(block), {layout.size, layout.size + 200'000}});
    layout.size += 200'000;
  }
  std::vector<float> gradient(static_cast<std::size_t>(layout.size), static_cast<float>(c->rank() + 1));
  dist::ReplicatedReduction reduction(gradient, layout, *c);
  for (std::size_t block = layout.blocks.size(); block-- > 0;) reduction.block_final(block);
  reduction.finish();
  const auto sum = static_cast<float>(c->world_size() * (c->world_size() + 1) / 2);
  EXPECT_EQ(gradient, std::vector<float>(gradient.size(), sum));
}

TEST(Placement, RanksTakeAllCoresOfTheNodeBetweenThem) {
  const CommunicatorPtr c = dist::make_communicator({}, test_session());
  const dist::Placement placement = dist::take_fair_share(test_session());
  cpu_set_t set;
  ASSERT_EQ(sched_getaffinity(0, sizeof set, &set), 0);
  std::vector<std::int32_t> taken;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) taken.push_back(CPU_ISSET(cpu, &set) ? 1 : 0);
  EXPECT_GE(CPU_COUNT(&set), placement.threads);
  const auto count = static_cast<std::int64_t>(taken.size());
  c->all_reduce({taken.data(), count, CommType::i32}, ReduceOp::sum)->wait();
  const auto used = std::count_if(taken.begin(), taken.end(), [](std::int32_t n) { return n > 0; });
  EXPECT_GE(used, std::min<std::ptrdiff_t>(c->world_size(), sysconf(_SC_NPROCESSORS_ONLN)));
  EXPECT_THAT(placement.line, testing::StartsWith("rank " + std::to_string(c->rank()) + " on "));
}

}  // namespace
}  // namespace hone::test
