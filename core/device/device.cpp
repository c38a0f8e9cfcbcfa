#include "core/device/device.h"

#include <ATen/ATen.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include "core/base/error.h"

namespace hone::device {

at::Device device_of(const std::string& name) {
  return name == "cuda" ? at::Device(at::kCUDA, 0) : at::Device(at::kCPU);
}

void* stream_on(at::Device device) {
  return c10::impl::VirtualGuardImpl(device.type()).getStream(device).native_handle();
}

void synchronize(at::Device device) {
  if (!device.is_cpu()) c10::impl::VirtualGuardImpl(device.type()).synchronizeDevice(device.index());
}

bool has_cuda_kernel(const at::Tensor& tensor) {
  const at::ScalarType type = tensor.scalar_type();
  return tensor.is_cuda() && tensor.is_contiguous() &&
         (type == at::kFloat || type == at::kBFloat16 || type == at::kHalf);
}

CudaFloat cuda_float(at::ScalarType type) {
  HONE_CHECK(type == at::kFloat || type == at::kBFloat16 || type == at::kHalf);
  return type == at::kFloat ? CudaFloat::fp32 : type == at::kBFloat16 ? CudaFloat::bf16 : CudaFloat::fp16;
}

MemoryUse memory_use(at::Device device) {
  c10::DeviceAllocator* allocator = c10::getDeviceAllocator(device.type());
  constexpr auto kAll = static_cast<std::size_t>(c10::CachingAllocator::StatType::AGGREGATE);
  const c10::CachingDeviceAllocator::DeviceStats stats = allocator->getDeviceStats(device.index());
  const c10::CachingAllocator::Stat bytes = stats.allocated_bytes[kAll];
  const std::int64_t kept =
      stats.reserved_bytes[kAll].current - bytes.current;  // by the allocator, for whoever asks
  const auto [free, total] = allocator->getMemoryInfo(device.index());
  return {bytes.current, bytes.peak, static_cast<std::int64_t>(free) + kept,
          static_cast<std::int64_t>(total)};
}

void reset_peak_memory(at::Device device) {
  c10::getDeviceAllocator(device.type())->resetPeakStats(device.index());
}

at::Tensor zeros(std::int64_t elements, at::Device device, bool pinned) {
  if (pinned) return at::zeros({elements}, at::TensorOptions().dtype(at::kFloat).pinned_memory(true));
  return at::zeros({elements}, at::TensorOptions().dtype(at::kFloat).device(device));
}

at::Tensor bytes_at(void* data, std::int64_t bytes, at::Device device) {
  return at::for_blob(data, {bytes})
      .options(at::TensorOptions().dtype(at::kByte).device(device))
      .target_device(device)
      .make_tensor();
}

}  // namespace hone::device
