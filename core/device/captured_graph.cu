#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <cuda_runtime.h>

#include <string>

#include "core/base/error.h"
#include "core/device/captured_graph.h"

namespace hone::device {
namespace {

using Allocator = c10::cuda::CUDACachingAllocator::CUDAAllocator;

// The pool of the graphs that live; {0, n} are pools that a user numbers. LibTorch takes a pool that was released by its
// last user up no more, so the graphs after that have the next.
class Pool {
 public:
  c10::MempoolId_t take() {
    if (users_++ == 0) ++number_;
    return {0, number_};
  }
  void give_back() { --users_; }

 private:
  std::uint64_t number_ = 0x686f6e65;
  int users_ = 0;
};

Pool& pool() {
  static Pool of_process;
  return of_process;
}

void check(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  cudaGetLastError();
  throw Error(Exit::internal, "CU005", "CUDA graph failed", what, cudaGetErrorString(status),
              "train.cuda_graph false does without");
}

Allocator& allocator() { return static_cast<Allocator&>(*c10::getDeviceAllocator(c10::kCUDA)); }

cudaStream_t handle_of(c10::Stream stream) { return static_cast<cudaStream_t>(stream.native_handle()); }

// The default stream cannot be recorded. One stream for all graphs: the pool hands memory out again to the
// stream it was taken on, and to no other.
c10::Stream recording_stream(c10::Device device) {
  static const c10::Stream stream =
      c10::impl::VirtualGuardImpl(device.type()).getStreamFromGlobalPool(device);
  return stream;
}

// While it lives this thread's operators are recorded and take memory from the graphs' pool.
class Recording {
 public:
  Recording(c10::Device device, c10::MempoolId_t pool)
      : device_(device), pool_(pool), guard_(device.type()), stream_(recording_stream(device)) {
    allocator().emptyCache();  // what a recording cannot do: give back what earlier work left unused
    caller_ = guard_.exchangeStream(stream_);
    const cudaStream_t own = handle_of(stream_);
    allocator().beginAllocateToPool(device.index(), pool_,
                                    [own](cudaStream_t stream) { return stream == own; });
    const cudaError_t status = cudaStreamBeginCapture(own, cudaStreamCaptureModeThreadLocal);
    recording_ = status == cudaSuccess;
    if (!recording_) {
      leave();
      check(status, "begin");
    }
  }
  ~Recording() {
    if (!recording_) return;
    cudaGraph_t dropped = nullptr;
    cudaStreamEndCapture(handle_of(stream_), &dropped);
    if (dropped) cudaGraphDestroy(dropped);
    cudaGetLastError();
    leave();
  }

  cudaGraph_t end() {
    recording_ = false;
    cudaGraph_t graph = nullptr;
    const cudaError_t status = cudaStreamEndCapture(handle_of(stream_), &graph);
    allocator().endAllocateToPool(device_.index(), pool_);
    guard_.exchangeStream(caller_);
    if (status != cudaSuccess) allocator().releasePool(device_.index(), pool_);
    check(status, "end");
    return graph;
  }

 private:
  void leave() {
    allocator().endAllocateToPool(device_.index(), pool_);
    allocator().releasePool(device_.index(), pool_);
    guard_.exchangeStream(caller_);
  }

  c10::Device device_;
  c10::MempoolId_t pool_;
  c10::impl::VirtualGuardImpl guard_;
  c10::Stream stream_;
  c10::Stream caller_{c10::Stream::DEFAULT, c10::Device(c10::kCUDA, 0)};
  bool recording_ = false;
};

// A use of the pool, given back where the recording fails.
class PoolUse {
 public:
  PoolUse() : id_(pool().take()) {}
  ~PoolUse() {
    if (!kept_) pool().give_back();
  }
  c10::MempoolId_t id() const { return id_; }
  void keep() { kept_ = true; }

 private:
  c10::MempoolId_t id_;
  bool kept_ = false;
};

}  // namespace

CapturedGraph::CapturedGraph(c10::Device device, const std::function<void()>& work) : device_(device) {
  PoolUse use;
  Recording recording(device, use.id());
  work();
  cudaGraph_t graph = recording.end();
  cudaGraphExec_t ready = nullptr;
  const cudaError_t status = cudaGraphInstantiate(&ready, graph, 0);
  cudaGraphDestroy(graph);
  if (status != cudaSuccess) allocator().releasePool(device_.index(), use.id());
  check(status, "instantiate");
  graph_ = ready;
  pool_ = use.id().second;
  use.keep();
}

// After a fault of the device every call fails; what is told is the fault, not this.
CapturedGraph::~CapturedGraph() {
  cudaDeviceSynchronize();
  cudaGraphExecDestroy(static_cast<cudaGraphExec_t>(graph_));
  cudaGetLastError();
  try {
    allocator().releasePool(device_.index(), {0, pool_});
  } catch (const std::exception&) {
  }
  pool().give_back();
}

void CapturedGraph::replay() {
  const c10::Stream stream = c10::impl::VirtualGuardImpl(device_.type()).getStream(device_);
  check(cudaGraphLaunch(static_cast<cudaGraphExec_t>(graph_), handle_of(stream)), "launch");
}

}  // namespace hone::device
