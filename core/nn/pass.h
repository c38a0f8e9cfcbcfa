#pragma once
// What every operator of one forward pass shares: the tape (or none), which adapters take part, dropout's key,
// and the batch on the model's device.
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "core/nn/tape.h"

namespace hone::nn {

class KvCache;

enum class AdapterMode { all, frozen, none };

// What kernels on a device read of the sequences; undefined on a CPU. It may change under a captured graph,
// whose kernels then see the new values.
struct DeviceBatch {
  at::Tensor cu_seqlens;           // [S + 1] int32
  at::Tensor epoch;                // [1] int64
  at::Tensor sample, slot, place;  // of each token, [T] int32: whose it is, and its place in the sequence
  std::int64_t longest = 0;        // no sequence has more tokens
};

struct BatchTensors {
  at::Tensor tokens;                     // [T] int64
  at::Tensor positions;                  // [T] int64
  std::vector<std::int64_t> cu_seqlens;  // [S + 1], host
  std::vector<std::int64_t> sample;      // [S], host
  std::vector<std::int32_t> slot;        // [S], host
  std::int64_t epoch = 0;
  DeviceBatch on_device;
};

// Dropout, and what other noise a training pass has, is keyed by what it falls on, never by rank or time; see
// keyed_noise.h.
struct DropoutKey {
  bool enabled = false;
  std::uint64_t seed = 0;
};

// Of the tokens' rotary positions (rotary.h), the same for every block.
struct RotaryTable {
  at::Tensor cos, sin;  // [T, D/2]
};

struct Pass {
  const BatchTensors& batch;
  Tape* tape = nullptr;  // null: nothing is recorded
  AdapterMode adapters = AdapterMode::all;
  DropoutKey dropout;
  KvCache* cache = nullptr;  // keys and values of earlier tokens; excludes a tape
  RotaryTable rotary = {};   // undefined where the model's family has none

  // The output of an operator: a slot on the tape where a gradient is wanted.
  Value output(at::Tensor tensor, bool wants_gradient) const {
    if (tape && wants_gradient) return tape->variable(std::move(tensor));
    return {std::move(tensor), -1};
  }
};

}  // namespace hone::nn
