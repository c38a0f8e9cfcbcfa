#pragma once
// Work on a CUDA device recorded once and replayed with one launch, which spares the host thousands of them.
// No CUDA header is needed to use it; a build without nvcc carries captured_graph_absent.cpp, which refuses.
#include <c10/core/Device.h>

#include <cstdint>
#include <functional>

namespace hone::device {

class CapturedGraph {
 public:
  // Calls `work`, recording what this thread queues on `device` in place of doing it. `work` neither waits
  // for the device nor copies from or to the host, and no tensor that it makes outlives it: its memory comes
  // from a pool that all graphs that live share, so graphs run one at a time, on one stream. What it reads and writes
  // must outlive the graph. Error(Exit::internal) CU005 where CUDA refuses; what `work` throws is passed on,
  // and nothing stays recorded.
  CapturedGraph(c10::Device device, const std::function<void()>& work);
  ~CapturedGraph();
  CapturedGraph(const CapturedGraph&) = delete;
  CapturedGraph& operator=(const CapturedGraph&) = delete;

  void replay();  // queued on the current stream; does not wait

 private:
  c10::Device device_;
  void* graph_ = nullptr;   // cudaGraphExec_t
  std::uint64_t pool_ = 0;  // that its memory is in
};

}  // namespace hone::device
