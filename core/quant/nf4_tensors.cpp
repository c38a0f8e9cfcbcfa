#include "core/quant/nf4_tensors.h"

#include "core/device/upload.h"

namespace hone::quant {
namespace {

template <class T>
at::Tensor upload_if_any(const std::vector<T>& values, at::Device device) {
  return values.empty() ? at::Tensor() : device::upload(values, device);
}

template <class T>
const T* pointer(const at::Tensor& tensor) {
  return tensor.defined() ? tensor.const_data_ptr<T>() : nullptr;
}

}  // namespace

std::int64_t Nf4Tensors::bytes() const {
  std::int64_t sum = 0;
  for (const at::Tensor* tensor : {&codes, &absmax, &nested_codes, &nested_absmax})
    if (tensor->defined()) sum += static_cast<std::int64_t>(tensor->nbytes());
  return sum;
}

std::vector<at::Tensor*> Nf4Tensors::large() { return {&codes, absmax.defined() ? &absmax : &nested_codes}; }

Nf4Tensors to_device(const Nf4Data& data, at::Device device) {
  return {data.elements,
          upload_if_any(data.codes, device),
          upload_if_any(data.absmax, device),
          upload_if_any(data.absmax_codes, device),
          upload_if_any(data.nested_map, device),
          upload_if_any(data.nested_absmax, device),
          data.offset};
}

Nf4View view_of(const Nf4Tensors& data) {
  return {.codes = pointer<std::uint8_t>(data.codes),
          .elements = data.elements,
          .absmax = pointer<float>(data.absmax),
          .nested_codes = pointer<std::uint8_t>(data.nested_codes),
          .nested_map = pointer<float>(data.nested_map),
          .nested_absmax = pointer<float>(data.nested_absmax),
          .nested_offset = data.offset};
}

}  // namespace hone::quant
