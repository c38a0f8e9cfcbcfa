#pragma once
// The state of an optimizer that computes on the host: one zeroed buffer per tensor it declares.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/ports/state_tensor.h"

namespace hone::optim {

class StateBuffers {
 public:
  explicit StateBuffers(const std::vector<StateSpec>& specs) {
    for (const StateSpec& spec : specs) {
      data_.emplace_back(static_cast<std::size_t>(spec.count * size_of(spec.type)));
      tensors_.emplace_back(spec, data_.back().data());
    }
  }
  // The i-th tensor's values.
  float* f32(std::size_t i) const { return tensors_[i].floats().data(); }
  std::uint8_t* u8(std::size_t i) const { return reinterpret_cast<std::uint8_t*>(data_[i].data()); }
  const std::vector<StateTensor>& tensors() const { return tensors_; }

 private:
  mutable std::vector<std::vector<std::byte>> data_;
  std::vector<StateTensor> tensors_;
};

}  // namespace hone::optim
