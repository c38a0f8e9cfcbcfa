#include "tests/core/foreign_device.h"

#include <ATen/ATen.h>
#include <ATen/EmptyTensor.h>
#include <ATen/native/CPUFallback.h>
#include <ATen/ops/_reshape_alias_native.h>
#include <ATen/ops/as_strided_native.h>
#include <ATen/ops/unfold_native.h>
#include <ATen/ops/view_native.h>
#include <c10/core/impl/FakeGuardImpl.h>
#include <sys/mman.h>
#include <torch/library.h>

#include <cstring>
#include <map>
#include <stdexcept>

namespace hone::test {
namespace {

constexpr auto kType = at::DeviceType::PrivateUse1;
constexpr std::size_t kPage = 4096;

std::map<void*, std::size_t>& allocations() {
  static std::map<void*, std::size_t> all;
  return all;
}

// Pages that nobody may touch but within Open.
class ForeignAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(std::size_t bytes) override {
    const std::size_t size = (bytes / kPage + 1) * kPage;
    void* memory = mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    allocations()[memory] = size;
    return {memory, memory, &give_back, at::Device(kType, 0)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &give_back; }
  void copy_data(void*, const void*, std::size_t) const override {
    throw std::logic_error("host copy of device memory");
  }

 private:
  static void give_back(void* memory) {
    munmap(memory, allocations().at(memory));
    allocations().erase(memory);
  }
};

class Open {
 public:
  explicit Open(const at::Tensor& tensor) : tensor_(tensor) { protect(PROT_READ | PROT_WRITE); }
  ~Open() { protect(PROT_NONE); }
  Open(const Open&) = delete;
  Open& operator=(const Open&) = delete;

 private:
  void protect(int mode) const {
    if (tensor_.device().type() != kType) return;
    void* memory = const_cast<void*>(tensor_.storage().data());
    mprotect(memory, allocations().at(memory), mode);
  }
  at::Tensor tensor_;
};

at::Tensor as_cpu(const at::Tensor& tensor) {
  if (tensor.is_cpu()) return tensor;
  char* first = static_cast<char*>(const_cast<void*>(tensor.storage().data()));
  return at::from_blob(first + tensor.storage_offset() * tensor.element_size(), tensor.sizes(),
                       tensor.strides(), tensor.options().device(at::kCPU));
}

ForeignAllocator& allocator() {
  static ForeignAllocator one;
  return one;
}

at::Tensor empty(at::IntArrayRef size, std::optional<at::ScalarType> dtype, std::optional<at::Layout>,
                 std::optional<at::Device>, std::optional<bool>, std::optional<at::MemoryFormat> format) {
  return at::detail::empty_generic(size, &allocator(), c10::DispatchKeySet(c10::DispatchKey::PrivateUse1),
                                   dtype.value_or(at::kFloat), format);
}

at::Tensor empty_strided(at::IntArrayRef size, at::IntArrayRef stride, std::optional<at::ScalarType> dtype,
                         std::optional<at::Layout>, std::optional<at::Device>, std::optional<bool>) {
  return at::detail::empty_strided_generic(size, stride, &allocator(),
                                           c10::DispatchKeySet(c10::DispatchKey::PrivateUse1),
                                           dtype.value_or(at::kFloat));
}

at::Tensor copy_from(const at::Tensor& from, const at::Tensor& to, bool) {
  const Open a(from), b(to);
  as_cpu(to).copy_(as_cpu(from));
  return to;
}

// How results of the CPU come back into tensors given to be written, empty ones often.
at::Tensor copy_result(const at::Tensor& from, const at::Tensor& to) {
  if (from.sizes() != to.sizes()) {
    const at::Tensor fresh = at::empty(from.sizes(), to.options());
    to.unsafeGetTensorImpl()->set_storage_keep_dtype(fresh.storage());
    to.unsafeGetTensorImpl()->set_sizes_and_strides(fresh.sizes(), fresh.strides());
  }
  return copy_from(from, to, false);
}

// Every other operator: all its tensors must be here (but for numbers in tensors without dimensions), then it
// runs on copies on the CPU.
void elsewhere(const c10::OperatorHandle& op, torch::jit::Stack* stack) {
  const std::size_t arguments = op.schema().arguments().size();
  const auto check = [&](const at::Tensor& tensor) {
    if (tensor.defined() && tensor.is_cpu() && tensor.dim() > 0)
      throw std::logic_error("tensors on two devices: " + op.schema().name());
  };
  for (std::size_t i = stack->size() - arguments; i < stack->size(); ++i) {
    const c10::IValue& value = (*stack)[i];
    if (value.isTensor()) check(value.toTensor());
    if (value.isTensorList())
      for (const at::Tensor& tensor : value.toTensorVector()) check(tensor);
  }
  at::native::cpu_fallback(op, stack);
}

}  // namespace

C10_REGISTER_GUARD_IMPL(PrivateUse1, c10::impl::NoOpDeviceGuardImpl<at::DeviceType::PrivateUse1>)

TORCH_LIBRARY_IMPL(aten, PrivateUse1, library) {
  library.impl("empty.memory_format", empty);
  library.impl("empty_strided", empty_strided);
  library.impl("_copy_from", copy_from);
  library.impl("_copy_from_and_resize", copy_result);
  library.impl("view", at::native::view);
  library.impl("unfold", at::native::unfold);
  library.impl("_reshape_alias", at::native::_reshape_alias);
  library.impl("as_strided", at::native::as_strided_tensorimpl);
}

TORCH_LIBRARY_IMPL(_, PrivateUse1, library) {
  library.fallback(torch::CppFunction::makeFromBoxedFunction<&elsewhere>());
}

at::Device foreign_device() {
  static const bool registered = [] {
    c10::register_privateuse1_backend("foreign");
    c10::SetAllocator(kType, &allocator());
    return true;
  }();
  (void)registered;
  return {kType, 0};
}

}  // namespace hone::test
