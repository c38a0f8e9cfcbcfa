// The communicator's suite on NCCL itself: ranks are processes that share one GPU, which NCCL takes for
// several hosts'.
//
//   nccl_device_tests RANKS [GoogleTest's options]
#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <numeric>
#include <utility>

#include "dist/nccl_communicator.h"
#include "dist/nccl_library.h"
#include "dist/reduce.h"
#include "tests/dist/communicator_suite.h"
#include "tests/dist/device/fork_communicator.h"
#include "tests/dist/rank_reports.h"

namespace hone::test {
namespace {

struct Process {
  ForkWorld* world = nullptr;
  int rank = 0, ranks = 0;
  int next_slot = 0;
} process;

template <class Function>
Function* cuda_function(const char* name) {
  return reinterpret_cast<Function*>(dlsym(dlopen("libcudart.so.13", RTLD_NOW), name));
}

void cuda(int code) {
  if (code != 0) throw Error(Exit::internal, "TT002", "CUDA failed", "", std::to_string(code));
}

// Device memory with a copy of a buffer of the host.
class Staged {
 public:
  explicit Staged(const CommBuffer& host) : host_(host) {
    static const auto allocate = cuda_function<int(void**, std::size_t)>("cudaMalloc");
    cuda(allocate(&device_, bytes() + 1));
    copy(device_, host_.data, 1);
  }
  ~Staged() {
    static const auto release = cuda_function<int(void*)>("cudaFree");
    release(device_);
  }
  Staged(const Staged&) = delete;
  Staged& operator=(const Staged&) = delete;
  CommBuffer buffer() const { return {device_, host_.count, host_.type, true}; }
  CommBuffer part(std::int64_t begin, std::int64_t count) const {
    return {static_cast<std::byte*>(device_) + static_cast<std::size_t>(begin) * dist::size_of(host_.type),
            count, host_.type, true};
  }
  void fetch() { copy(host_.data, device_, 2); }

 private:
  std::size_t bytes() const { return host_.count > 0 ? dist::bytes_of(host_) : 0; }
  void copy(void* to, const void* from, int kind) {
    static const auto copy_memory = cuda_function<int(void*, const void*, std::size_t, int)>("cudaMemcpy");
    if (bytes() > 0) cuda(copy_memory(to, from, bytes(), kind));
  }
  CommBuffer host_;
  void* device_ = nullptr;
};
using StagedPtr = std::shared_ptr<Staged>;

// Brings what the suite has in host memory to the device for each collective, and back.
class ThroughTheDevice final : public dist::CheckedCommunicator {
 public:
  explicit ThroughTheDevice(CommunicatorPtr device) : device_(std::move(device)) {}
  int rank() const override { return device_->rank(); }
  int world_size() const override { return device_->world_size(); }
  CommunicatorPtr split(int group) override {
    return std::make_unique<ThroughTheDevice>(device_->split(group));
  }
  Traffic traffic() const override { return device_->traffic(); }

 protected:
  WorkPtr start(const dist::Collective& c) override;

 private:
  struct Back final : Work {
    Back(WorkPtr w, StagedPtr i, StagedPtr o)
        : input(std::move(i)), output(std::move(o)), work(std::move(w)) {}
    void wait() override {
      work->wait_on_host();
      if (output && !std::exchange(fetched, true)) output->fetch();
    }
    StagedPtr input, output;
    WorkPtr work;  // last: off the buffers before they go
    bool fetched = false;
  };
  CommunicatorPtr device_;
};

WorkPtr ThroughTheDevice::start(const dist::Collective& c) {
  using Kind = CollectiveKind;
  if (c.kind == Kind::barrier) return std::make_unique<Back>(device_->barrier(), nullptr, nullptr);
  const auto out = std::make_shared<Staged>(c.output);
  const auto back = [&](WorkPtr work, StagedPtr in) {
    return std::make_unique<Back>(std::move(work), in, out);
  };
  if (c.kind == Kind::all_reduce) return back(device_->all_reduce(out->buffer(), c.op), nullptr);
  if (c.kind == Kind::broadcast) return back(device_->broadcast(out->buffer(), c.root), nullptr);
  const auto* begin = static_cast<const std::byte*>(c.output.data);
  const bool in_place =
      c.kind == Kind::all_gather && c.input.data >= begin && c.input.data < begin + dist::bytes_of(c.output);
  if (in_place)
    return back(device_->all_gather(out->part(rank() * c.input.count, c.input.count), out->buffer()),
                nullptr);
  const auto in = std::make_shared<Staged>(c.input);
  if (c.kind == Kind::all_gather) return back(device_->all_gather(in->buffer(), out->buffer()), in);
  if (c.kind == Kind::all_to_all) return back(device_->all_to_all(in->buffer(), out->buffer()), in);
  return back(device_->reduce_scatter(in->buffer(), out->buffer(), c.op), in);
}

CommunicatorPtr all_processes(std::chrono::milliseconds deadline) {
  std::vector<int> all(static_cast<std::size_t>(process.ranks));
  std::iota(all.begin(), all.end(), 0);
  const int slot = process.next_slot++;
  return std::make_unique<ForkCommunicator>(*process.world, process.next_slot, slot, all, process.rank,
                                            deadline);
}

// Without a device too.
TEST(ForkCommunicator, CarriesSmallThingsBetweenProcessesAndGroupsOfThem) {
  const CommunicatorPtr all = all_processes(std::chrono::seconds(20));
  const CommunicatorPtr part = all->split(process.rank % 2), whole = part->split(0);
  for (Communicator* c : {all.get(), part.get(), whole.get()}) {
    std::int64_t own = 10 + process.rank;
    std::vector<std::int64_t> of_rank(static_cast<std::size_t>(c->world_size()));
    c->all_gather({&own, 1, CommType::i64}, {of_rank.data(), c->world_size(), CommType::i64})->wait();
    for (int r = 0; r < c->world_size(); ++r)
      EXPECT_EQ(of_rank[static_cast<std::size_t>(r)], 10 + (c == all.get() ? r : 2 * r + process.rank % 2));
    c->broadcast({&own, 1, CommType::i64}, 0)->wait();
    EXPECT_EQ(own, of_rank[0]);
    c->barrier()->wait();
  }
}

dist::CudaStream default_stream() { return nullptr; }

Backend nccl() {
  return {"nccl", [](const RankBody& body, std::chrono::milliseconds deadline) {
            CommunicatorPtr host = all_processes(deadline);
            dist::NcclSetup setup;
            setup.libraries = &dist::load_nccl();
            setup.use.compute_stream = default_stream;
            setup.place = "rank " + std::to_string(process.rank);
            setup.deadline = std::chrono::seconds(30);
            ThroughTheDevice communicator(std::make_unique<dist::NcclCommunicator>(setup, std::move(host)));
            body(communicator);
          }};
}

INSTANTIATE_TEST_SUITE_P(Device, CommunicatorSuite, testing::Values(nccl()), backend_name);

bool has_device() {
  try {
    int count = 0;
    return dist::load_nccl().cuda.GetDeviceCount(&count) == 0 && count > 0;
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return false;
  }
}

constexpr int kNoDevice = 77;

int run_rank() {
  setenv("NCCL_HOSTID", ("hone-" + std::to_string(process.rank)).c_str(), 1);
  setenv("NCCL_SOCKET_IFNAME", "lo", 1);
  report_as(process.rank);
  const bool on_device = has_device();
  if (!on_device) testing::GTEST_FLAG(filter) = "ForkCommunicator.*";
  const int failed = RUN_ALL_TESTS();
  std::fflush(nullptr);
  return failed ? failed : on_device ? 0 : kNoDevice;
}

}  // namespace
}  // namespace hone::test

int main(int argc, char** argv) {
  using namespace hone::test;
  testing::InitGoogleTest(&argc, argv);
  process.ranks = argc > 1 ? std::atoi(argv[1]) : 2;
  if (process.ranks < 1 || process.ranks > kMostRanks) return 2;
  process.world = ForkWorld::make();
  for (process.rank = 0; process.rank < process.ranks; ++process.rank)
    if (fork() == 0) std::_Exit(run_rank());
  int result = 0;
  for (int status = 0; wait(&status) > 0;)
    result = std::max(result, WIFEXITED(status) ? WEXITSTATUS(status) : 1);
  if (result != kNoDevice) return result;
  std::printf("no CUDA device on this machine\n");
  return 0;
}
