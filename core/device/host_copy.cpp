#include "core/device/host_copy.h"

#include <ATen/ATen.h>
#include <c10/core/Event.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

namespace hone::device {
namespace {

c10::Stream current_stream(at::Device device) {
  return c10::impl::VirtualGuardImpl(device.type()).getStream(device);
}

c10::Stream copy_stream(at::Device device) {
  static const c10::Stream stream =
      c10::impl::VirtualGuardImpl(device.type()).getStreamFromGlobalPool(device);
  return stream;
}

// What is queued on `then` from now on waits for what is queued on `first`.
void order(const c10::Stream& first, const c10::Stream& then) {
  c10::Event event(first.device_type());
  event.record(first);
  event.block(then);
}

}  // namespace

HostCopy::HostCopy(const at::Tensor& tensor) : device_(tensor.device()) {
  if (!device_.is_cuda()) {
    host_ = tensor.cpu();
    return;
  }
  host_ = at::empty(tensor.sizes(), tensor.options().device(at::kCPU).pinned_memory(true));
  const c10::Stream side = copy_stream(device_);
  order(current_stream(device_), side);
  const c10::StreamGuard guard(side);
  host_.copy_(tensor, /*non_blocking=*/true);
  tensor.record_stream(side);
}

void HostCopy::prefetch() {
  if (back_.defined() || !host_.defined()) return;
  if (!device_.is_cuda()) {
    back_ = host_.to(device_);
    return;
  }
  const c10::StreamGuard guard(copy_stream(device_));
  back_ = host_.to(device_, host_.scalar_type(), /*non_blocking=*/true);
}

at::Tensor HostCopy::take() {
  prefetch();
  if (device_.is_cuda()) {
    const c10::Stream current = current_stream(device_);
    order(copy_stream(device_), current);
    back_.record_stream(current);
  }
  host_.reset();
  return std::exchange(back_, {});
}

}  // namespace hone::device
