#include "dist/nccl_communicator.h"

#include <gmock/gmock.h>

#include <thread>

#include "dist/local_communicator.h"
#include "dist/nccl_library.h"
#include "dist/thread_communicator.h"
#include "tests/dist/communicator_suite.h"
#include "tests/dist/fake_nccl.h"
#include "tests/dist/values.h"

namespace hone::test {
namespace {

using namespace std::chrono_literals;
using dist::CudaStream;
using dist::NcclCommunicator;
using testing::HasSubstr;

dist::NcclSetup setup(int rank, CudaStream stream, std::chrono::milliseconds deadline) {
  return {&FakeNccl::libraries(),
          {rank, [stream] { return stream; }},
          "rank " + std::to_string(rank) + " on fake",
          deadline};
}

// Ranks as threads, each with a device and a stream of its own.
using NcclBody = std::function<void(NcclCommunicator&, CudaStream)>;
void run_nccl(FakeNccl& fake, int ranks, const NcclBody& body, std::chrono::milliseconds deadline = 20s) {
  dist::run_ranks(
      ranks,
      [&](Communicator& threads) {
        const CudaStream stream = fake.stream();
        NcclCommunicator nccl(setup(threads.rank(), stream, deadline), threads.split(0));
        body(nccl, stream);
      },
      deadline);
}

CommBuffer on_device(CommBuffer buffer) {
  buffer.on_device = true;
  return buffer;
}

// Takes every buffer for device memory and waits on the host: what the suite's tests can look at.
class DeviceSide final : public Communicator {
 public:
  explicit DeviceSide(Communicator& all) : all_(&all) {}
  explicit DeviceSide(CommunicatorPtr all) : own_(std::move(all)), all_(own_.get()) {}
  int rank() const override { return all_->rank(); }
  int world_size() const override { return all_->world_size(); }
  WorkPtr all_reduce(CommBuffer buffer, ReduceOp op) override {
    return wait(all_->all_reduce(on_device(buffer), op));
  }
  WorkPtr reduce_scatter(CommBuffer input, CommBuffer output, ReduceOp op) override {
    return wait(all_->reduce_scatter(on_device(input), on_device(output), op));
  }
  WorkPtr all_gather(CommBuffer input, CommBuffer output) override {
    return wait(all_->all_gather(on_device(input), on_device(output)));
  }
  WorkPtr broadcast(CommBuffer buffer, int root) override {
    return wait(all_->broadcast(on_device(buffer), root));
  }
  WorkPtr all_to_all(CommBuffer input, CommBuffer output) override {
    return wait(all_->all_to_all(on_device(input), on_device(output)));
  }
  WorkPtr barrier() override { return all_->barrier(); }
  CommunicatorPtr split(int group) override { return std::make_unique<DeviceSide>(all_->split(group)); }
  Traffic traffic() const override { return all_->traffic(); }

 private:
  struct OnHost final : Work {
    explicit OnHost(WorkPtr w) : work(std::move(w)) {}
    void wait() override { work->wait_on_host(); }
    WorkPtr work;
  };
  static WorkPtr wait(WorkPtr work) { return std::make_unique<OnHost>(std::move(work)); }
  CommunicatorPtr own_;
  Communicator* all_;
};

Backend nccl(int ranks) {
  return {"nccl" + std::to_string(ranks), [ranks](const RankBody& body, std::chrono::milliseconds deadline) {
            FakeNccl fake;
            const auto on_its_device = [&](NcclCommunicator& c, CudaStream) {
              DeviceSide side(c);
              body(side);
            };
            run_nccl(fake, ranks, on_its_device, deadline);
            EXPECT_EQ(fake.open_events(), 0);
          }};
}

INSTANTIATE_TEST_SUITE_P(Nccl, CommunicatorSuite, testing::Values(nccl(1), nccl(2), nccl(3), nccl(4)),
                         backend_name);

template <class Call>
std::string code_of(const Call& call, const char* text) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr(text));
    return error.code();
  }
  return "none";
}

bool soon(const std::function<bool()>& condition) {
  for (int i = 0; i < 2000 && !condition(); ++i) std::this_thread::sleep_for(1ms);
  return condition();
}

TEST(NcclCommunicator, ACollectiveComesAfterTheCallersStreamAndWhatFollowsAfterIt) {
  FakeNccl fake;
  run_nccl(fake, 2, [&](NcclCommunicator& c, CudaStream stream) {
    Values values(CommType::f32, {1, 2, 3});
    fake.hold(stream);
    const WorkPtr work = c.all_reduce(on_device(values.all()), ReduceOp::sum);
    work->wait();  // does not block, though the stream is not there yet
    EXPECT_FALSE(fake.idle(stream));
    c.barrier()->wait();
    EXPECT_EQ(values.read(), (std::vector<double>{1, 2, 3}));
    c.barrier()->wait();
    fake.release(stream);
    work->wait_on_host();
    EXPECT_TRUE(fake.idle(stream));
    EXPECT_EQ(values.read(), (std::vector<double>{2, 4, 6}));
  });
}

TEST(NcclCommunicator, HostBuffersGoOverTheHostsCommunicator) {
  FakeNccl fake;
  run_nccl(fake, 3, [&](NcclCommunicator& c, CudaStream) {
    Values values(CommType::f64, {1});
    c.all_reduce(values.all(), ReduceOp::sum)->wait();
    EXPECT_EQ(values.read()[0], 3);
    EXPECT_EQ(c.traffic().all_reduce.calls, 1);
    EXPECT_EQ(fake.open_events(), 0);
  });
}

TEST(NcclCommunicator, ClosesInGoodOrderWithCollectivesUnderWay) {
  FakeNccl fake;
  Values of_rank[2] = {Values(CommType::i32, {1}), Values(CommType::i32, {2})};
  run_nccl(fake, 2, [&](NcclCommunicator& c, CudaStream stream) {
    fake.hold(stream);
    c.all_reduce(on_device(of_rank[c.rank()].all()), ReduceOp::sum)->wait();
    std::thread([&fake, stream] {
      std::this_thread::sleep_for(50ms);
      fake.release(stream);
    }).detach();
  });
  EXPECT_EQ(of_rank[0].read()[0], 3);
  EXPECT_EQ(of_rank[1].read()[0], 3);
  EXPECT_EQ(fake.destroyed(), 2);
  EXPECT_EQ(fake.aborted(), 0);
}

// A graph's replays come whenever they come.
TEST(NcclCommunicator, WhatIsCapturedIntoAGraphHasNoDeadline) {
  FakeNccl fake;
  const auto body = [&](NcclCommunicator& c, CudaStream stream) {
    Values values(CommType::f16, {4});
    fake.capture(stream, true);
    fake.hold(stream);
    c.all_reduce(on_device(values.all()), ReduceOp::max)->wait();
    fake.capture(stream, false);
    std::this_thread::sleep_for(500ms);
    fake.release(stream);
    EXPECT_TRUE(soon([&] { return fake.idle(stream); }));
    c.barrier()->wait();
  };
  run_nccl(fake, 2, body, 200ms);
}

TEST(NcclCommunicator, ASilentPeerEndsTheWaitAndTheDevicesToo) {
  FakeNccl fake;
  const auto body = [&](NcclCommunicator& c, CudaStream stream) {
    Values values(CommType::f32, {1, 2, 3});
    c.all_reduce(on_device(values.all()), ReduceOp::sum)->wait();
    if (c.rank() == 1) return std::this_thread::sleep_for(900ms);
    const WorkPtr work = c.all_reduce(on_device(values.all()), ReduceOp::sum);
    work->wait();
    EXPECT_EQ(
        code_of([&] { work->wait_on_host(); },
                "rank 0 on fake: device all_reduce of 3 f32 (sum), number 1, waited 0.2 s on the device"),
        "MP005");
    EXPECT_TRUE(fake.idle(stream));
    EXPECT_EQ(code_of([&] { c.all_reduce(on_device(values.all()), ReduceOp::sum); }, "number 1"), "MP005");
    EXPECT_EQ(code_of([&] { c.barrier(); }, "number 1"), "MP005");
    EXPECT_EQ(code_of([&] { c.broadcast(values.all(), 0); }, "number 1"), "MP005");
  };
  run_nccl(fake, 2, body, 200ms);
  EXPECT_EQ(fake.aborted(), 1);
  EXPECT_EQ(fake.destroyed(), 1);
}

TEST(NcclCommunicator, APeerThatDoesNotOpenItIsWaitedForAsLong) {
  FakeNccl fake;
  const auto& nccl = FakeNccl::libraries().nccl;
  dist::NcclUniqueId id{};
  ASSERT_EQ(nccl.GetUniqueId(&id), dist::kNcclSuccess);
  dist::NcclConfig config;
  const auto open = [&](dist::NcclComm* comm) { return nccl.CommInitRankConfig(comm, 2, id, 0, &config); };
  EXPECT_EQ(code_of(
                [&] {
                  dist::NcclLine line(setup(0, fake.stream(), 100ms), std::make_shared<dist::TrafficMeter>(),
                                      open);
                },
                "rank 0 on fake: opening NCCL, waited 0.1 s"),
            "MP005");
  EXPECT_EQ(fake.aborted(), 1);
}

TEST(NcclCommunicator, ABrokenLinkIsToldInNcclsWords) {
  FakeNccl fake;
  run_nccl(fake, 2, [&](NcclCommunicator& c, CudaStream stream) {
    Values values(CommType::f32, {1});
    if (c.rank() == 1) return;
    fake.hold(stream);
    const WorkPtr work = c.broadcast(on_device(values.all()), 1);
    fake.break_link(0);
    EXPECT_EQ(code_of([&] { work->wait_on_host(); },
                      "device broadcast of 1 f32 from rank 1, number 0: remote process exited"),
              "MP013");
  });
  EXPECT_EQ(fake.aborted(), 1);
}

TEST(NcclCommunicator, ARefusedCallNamesTheCollective) {
  FakeNccl fake;
  run_nccl(fake, 1, [&](NcclCommunicator& c, CudaStream) {
    Values values(CommType::f32, {1});
    fake.fail_next("AllReduce", 4);
    EXPECT_EQ(code_of([&] { c.all_reduce(on_device(values.all()), ReduceOp::min); },
                      "device all_reduce of 1 f32 (min), number 0: an NCCL error: as the test wished"),
              "MP013");
  });
  run_nccl(fake, 1, [&](NcclCommunicator& c, CudaStream) {
    Values values(CommType::f32, {1});
    fake.fail_next("EventRecord", 700);
    EXPECT_EQ(code_of([&] { c.all_reduce(on_device(values.all()), ReduceOp::min); },
                      "cudaEventRecord: a CUDA error"),
              "MP013");
  });
  EXPECT_EQ(fake.aborted(), 2);
}

TEST(NcclCommunicator, AllRanksAreToldThatThereIsNoId) {
  FakeNccl fake;
  fake.fail_next("GetUniqueId", 2);
  std::atomic<int> told = 0;
  dist::run_ranks(3, [&](Communicator& threads) {
    const auto open = [&] { NcclCommunicator(setup(threads.rank(), fake.stream(), 1s), threads.split(0)); };
    if (code_of(open, "ncclGetUniqueId on rank 0: an NCCL error") == "MP013") ++told;
  });
  EXPECT_EQ(told, 3);
}

// An exception on its way out drops what was started: that must not take the whole deadline.
TEST(NcclCommunicator, LeavingACollectiveReturnsSoon) {
  FakeNccl fake;
  run_nccl(fake, 2, [&](NcclCommunicator& c, CudaStream) {
    if (c.rank() == 1) return;
    Values values(CommType::f32, {1});
    const auto began = std::chrono::steady_clock::now();
    { const WorkPtr left = c.all_reduce(on_device(values.all()), ReduceOp::sum); }
    EXPECT_LT(std::chrono::steady_clock::now() - began, 5s);
    EXPECT_EQ(code_of([&] { c.barrier(); }, "a collective was left"), "MP006");
  });
  EXPECT_EQ(fake.aborted(), 1);
}

TEST(NcclCommunicator, AnErrorPassingThroughDoesNotWaitForPeers) {
  FakeNccl fake;
  const auto began = std::chrono::steady_clock::now();
  const auto body = [&](NcclCommunicator& c, CudaStream) {
    Values values(CommType::f32, {1});
    if (c.rank() == 1) return;
    c.all_reduce(on_device(values.all()), ReduceOp::sum)->wait();
    throw Error(Exit::input, "TT001", "bad row", "rows.jsonl:7", "made for a test");
  };
  EXPECT_EQ(code_of([&] { run_nccl(fake, 2, body); }, "rows.jsonl:7"), "TT001");
  EXPECT_LT(std::chrono::steady_clock::now() - began, 10s);
  EXPECT_EQ(fake.aborted(), 1);
}

TEST(HostCommunicators, RefuseDeviceMemory) {
  dist::LocalCommunicator local;
  Values values(CommType::f32, {1}), other = values;
  EXPECT_EQ(code_of([&] { local.all_reduce(on_device(values.all()), ReduceOp::sum); }, "device memory"),
            "MP008");
  EXPECT_EQ(code_of([&] { local.all_gather(on_device(values.all()), other.all()); }, "the other does not"),
            "MP008");
}

TEST(LoadNccl, SaysWhatIsMissing) {
  EXPECT_EQ(code_of([] { dist::load_nccl_from("libnot-here.so.2", "libc.so.6"); },
                    "NCCL is not available: dist.backend: libnot-here.so.2"),
            "MP012");
  EXPECT_EQ(
      code_of([] { dist::load_nccl_from("libc.so.6", "libc.so.6"); }, "libc.so.6 has no ncclGetVersion"),
      "MP012");
}

}  // namespace
}  // namespace hone::test
