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

constexpr c10::MempoolId_t kPool{0, 0x686f6e65};  // {0, n} are pools that a user numbers

void check(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  cudaGetLastError();
  throw Error(Exit::internal, "CU005", "CUDA graph failed", what, cudaGetErrorString(status),
              "train.cuda_graph false does without");
}

Allocator& allocator() {
  return static_cast<Allocator&>(*c10::getDeviceAllocator(c10::kCUDA));
}

cudaStream_t handle_of(c10::Stream stream) {
  return static_cast<cudaStream_t>(stream.native_handle());
}

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
  explicit Recording(c10::Device device)
      : device_(device), guard_(device.type()), stream_(recording_stream(device)) {
    allocator().emptyCache();  // what a recording cannot do: give back what earlier work left unused
    caller_ = guard_.exchangeStream(stream_);
    const cudaStream_t own = handle_of(stream_);
    allocator().beginAllocateToPool(device.index(), kPool,
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
    allocator().endAllocateToPool(device_.index(), kPool);
    guard_.exchangeStream(caller_);
    if (status != cudaSuccess) allocator().releasePool(device_.index(), kPool);
    check(status, "end");
    return graph;
  }

 private:
  void leave() {
    allocator().endAllocateToPool(device_.index(), kPool);
    allocator().releasePool(device_.index(), kPool);
    guard_.exchangeStream(caller_);
  }

  c10::Device device_;
  c10::impl::VirtualGuardImpl guard_;
  c10::Stream stream_;
  c10::Stream caller_{c10::Stream::DEFAULT, c10::Device(c10::kCUDA, 0)};
  bool recording_ = false;
};

}  // namespace

CapturedGraph::CapturedGraph(c10::Device device, const std::function<void()>& work) : device_(device) {
  Recording recording(device);
  work();
  cudaGraph_t graph = recording.end();
  cudaGraphExec_t ready = nullptr;
  const cudaError_t status = cudaGraphInstantiate(&ready, graph, 0);
  cudaGraphDestroy(graph);
  if (status != cudaSuccess) allocator().releasePool(device_.index(), kPool);
  check(status, "instantiate");
  graph_ = ready;
}

CapturedGraph::~CapturedGraph() {
  c10::impl::VirtualGuardImpl(device_.type()).synchronizeDevice(device_.index());
  cudaGraphExecDestroy(static_cast<cudaGraphExec_t>(graph_));
  allocator().releasePool(device_.index(), kPool);
}

void CapturedGraph::replay() {
  const c10::Stream stream = c10::impl::VirtualGuardImpl(device_.type()).getStream(device_);
  check(cudaGraphLaunch(static_cast<cudaGraphExec_t>(graph_), handle_of(stream)), "launch");
}

}  // namespace hone::device
