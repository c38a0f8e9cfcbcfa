#pragma once
// A flat tensor that a run carries from step to step (the trained weights, optimizer state) and a checkpoint
// stores. It says how its values lie beside the arena, so that sharding and resharding are arithmetic on
// ranges.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/base/error.h"

namespace hone {

enum class StateType { f32, bf16, u8 };

constexpr std::string_view name_of(StateType type) {
  return type == StateType::f32 ? "f32" : type == StateType::bf16 ? "bf16" : "u8";
}
constexpr std::int64_t size_of(StateType type) {
  return type == StateType::f32 ? 4 : type == StateType::bf16 ? 2 : 1;
}

// What a tensor holds. `per` n > 0: value i belongs to arena elements [n i, n (i + 1)); n divides the
// granule, so no shard boundary cuts it. kWhole: `count` values of its own, alike on every rank.
struct StateSpec {
  static constexpr std::int64_t kWhole = 0;
  std::string name;  // e.g. exp_avg
  StateType type = StateType::f32;
  std::int64_t per = 1;
  std::int64_t count = 0;  // values
  bool operator==(const StateSpec&) const = default;
};

struct StateTensor : StateSpec {
  void* data = nullptr;    // `held` values; not owned
  std::int64_t held = 0;   // all of `count`, or those beside the arena's shards that this rank keeps
  bool on_device = false;  // in the compute device's memory, not the host's

  StateTensor() = default;
  StateTensor(StateSpec spec, void* values) : StateTensor(spec, values, spec.count) {}
  StateTensor(StateSpec spec, void* values, std::int64_t values_held)
      : StateSpec(std::move(spec)), data(values), held(values_held) {}
  // One fp32 value per arena element.
  StateTensor(std::string tensor_name, std::span<float> values)
      : StateTensor(StateSpec{std::move(tensor_name), StateType::f32, 1, std::ssize(values)}, values.data()) {
  }

  std::span<std::byte> bytes() const {
    return {static_cast<std::byte*>(data), static_cast<std::size_t>(held * size_of(type))};
  }
  std::span<float> floats() const {
    HONE_CHECK(type == StateType::f32);
    return {static_cast<float*>(data), static_cast<std::size_t>(held)};
  }
};

}  // namespace hone
