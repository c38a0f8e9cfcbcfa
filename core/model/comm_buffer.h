#pragma once
// A tensor as a collective sees it, where it lies. Not owned; contiguous.
#include <ATen/core/Tensor.h>

#include "core/ports/communicator.h"

namespace hone::model {

inline CommBuffer floats_of(const at::Tensor& values) {
  return {values.mutable_data_ptr<float>(), values.numel(), CommType::f32, values.is_cuda()};
}
// Its bytes, whatever they are: to be moved, not summed.
inline CommBuffer bytes_of(const at::Tensor& values) {
  return {values.mutable_data_ptr(), static_cast<std::int64_t>(values.nbytes()), CommType::u8,
          values.is_cuda()};
}

}  // namespace hone::model
