#pragma once
// The state of an optimizer that computes on the host: one zeroed buffer per tensor it declares, with the values
// beside the shards that this rank owns.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/ports/state_tensor.h"
#include "core/train/shard_plan.h"

namespace hone::optim {

class StateBuffers {
 public:
  StateBuffers(const std::vector<StateSpec>& specs, const OwnedShards& owned) : owned_(owned) {
    for (const StateSpec& spec : specs) {
      const std::int64_t held = spec.per == StateSpec::kWhole ? spec.count : owned.size() / spec.per;
      data_.emplace_back(static_cast<std::size_t>(held * size_of(spec.type)));
      tensors_.emplace_back(spec, data_.back().data(), held);
    }
  }
  // The i-th tensor's values from that of an owned element of the arena on.
  float* f32(std::size_t i, std::int64_t element) const {
    return tensors_[i].floats().data() + owned_.place(element) / tensors_[i].per;
  }
  std::uint8_t* u8(std::size_t i, std::int64_t element) const {
    return reinterpret_cast<std::uint8_t*>(data_[i].data()) + owned_.place(element) / tensors_[i].per;
  }
  float* whole(std::size_t i) const { return tensors_[i].floats().data(); }  // of a kWhole tensor
  const std::vector<StateTensor>& tensors() const { return tensors_; }

 private:
  OwnedShards owned_;
  mutable std::vector<std::vector<std::byte>> data_;
  std::vector<StateTensor> tensors_;
};

}  // namespace hone::optim
