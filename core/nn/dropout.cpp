#include "core/nn/dropout.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "core/base/philox.h"

namespace hone::nn {
namespace {

PhiloxKey site_key(const Pass& pass, const DropoutSite& site) {
  const auto epoch = static_cast<std::uint64_t>(pass.batch.epoch);
  const PhiloxCounter mixed = philox({static_cast<std::uint32_t>(epoch), static_cast<std::uint32_t>(epoch >> 32),
                                      site.site, 0x64726f70u},
                                     philox_key(pass.dropout.seed));
  return {mixed[0], mixed[1]};
}

}  // namespace

at::Tensor dropout_mask(const Pass& pass, const at::Tensor& x, const DropoutSite& site) {
  const std::int64_t width = x.size(1);
  const PhiloxKey key = site_key(pass, site);
  const float keep = 1.0f / static_cast<float>(1.0 - site.rate), rate = static_cast<float>(site.rate);
  at::Tensor mask = at::empty({x.size(0), width}, at::kFloat);
  float* out = mask.mutable_data_ptr<float>();
  const auto& cu = pass.batch.cu_seqlens;
  for (std::size_t s = 0; s + 1 < cu.size(); ++s) {
    const auto sample = static_cast<std::uint32_t>(pass.batch.sample[s]);
    const auto slot = static_cast<std::uint32_t>(pass.batch.slot[s]);
    at::parallel_for(cu[s], cu[s + 1], 8, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t t = begin; t < end; ++t) {
        const auto position = static_cast<std::uint32_t>(t - cu[s]);
        for (std::int64_t f = 0; f < width; f += 4) {
          const PhiloxCounter words = philox({sample, slot, position, static_cast<std::uint32_t>(f / 4)}, key);
          for (std::int64_t i = f; i < std::min(f + 4, width); ++i)
            out[t * width + i] = unit_float(words[i - f]) < rate ? 0.0f : keep;
        }
      }
    });
  }
  return mask.to(x.options());
}

}  // namespace hone::nn
