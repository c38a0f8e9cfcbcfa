#pragma once
// A copy of host values on a device, [n], of their own type.
#include <ATen/core/Tensor.h>
#include <ATen/ops/from_blob.h>

#include <vector>

namespace hone::device {

template <class T>
at::Tensor upload(const std::vector<T>& values, at::Device device) {
  const at::ScalarType type = c10::CppTypeToScalarType<T>::value;
  return at::from_blob(const_cast<T*>(values.data()), {static_cast<std::int64_t>(values.size())}, type)
      .to(device, type, /*non_blocking=*/false, /*copy=*/true);
}

}  // namespace hone::device
