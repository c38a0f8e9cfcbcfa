// Stands in for captured_graph.cu in a build without nvcc.
#include "core/cuda/device.h"
#include "core/device/captured_graph.h"

namespace hone::device {

CapturedGraph::CapturedGraph(c10::Device device, const std::function<void()>&) : device_(device) {
  cuda::require_device();
}

CapturedGraph::~CapturedGraph() = default;

void CapturedGraph::replay() {}

}  // namespace hone::device
