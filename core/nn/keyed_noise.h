#pragma once
// Random numbers on [T, width] that are a pure function of what they fall on: Philox with key (seed, epoch, use, site)
// and counter (sample, slot, position, feature / 4). Independent of ranks, micro-batches and resume points.
#include <ATen/Functions.h>
#include <ATen/Parallel.h>

#include "core/base/philox.h"
#include "core/nn/pass.h"

namespace hone::nn {

enum class NoiseUse : std::uint32_t {
  dropout = 0x64726f70u,
  embedding = 0x6e656674u
};  // apart from each other

// Element (t, f) is value(u, length of t's sequence) with u uniform in [0, 1). fp32, on the host.
template <class Value>
at::Tensor keyed_noise(const Pass& pass, std::int64_t width, NoiseUse use, std::uint32_t site,
                       Value&& value) {
  const auto epoch = static_cast<std::uint64_t>(pass.batch.epoch);
  const PhiloxCounter mixed =
      philox({static_cast<std::uint32_t>(epoch), static_cast<std::uint32_t>(epoch >> 32), site,
              static_cast<std::uint32_t>(use)},
             philox_key(pass.dropout.seed));
  const PhiloxKey key{mixed[0], mixed[1]};
  const auto& cu = pass.batch.cu_seqlens;
  at::Tensor noise = at::empty({cu.back(), width}, at::kFloat);
  float* out = noise.mutable_data_ptr<float>();
  for (std::size_t s = 0; s + 1 < cu.size(); ++s) {
    const auto sample = static_cast<std::uint32_t>(pass.batch.sample[s]);
    const auto slot = static_cast<std::uint32_t>(pass.batch.slot[s]);
    at::parallel_for(cu[s], cu[s + 1], 8, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t t = begin; t < end; ++t) {
        const auto position = static_cast<std::uint32_t>(t - cu[s]);
        for (std::int64_t f = 0; f < width; f += 4) {
          const PhiloxCounter words =
              philox({sample, slot, position, static_cast<std::uint32_t>(f / 4)}, key);
          for (std::int64_t i = f; i < std::min(f + 4, width); ++i)
            out[t * width + i] = value(unit_float(words[i - f]), cu[s + 1] - cu[s]);
        }
      }
    });
  }
  return noise;
}

}  // namespace hone::nn
