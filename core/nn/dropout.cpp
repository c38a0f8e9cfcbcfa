#include "core/nn/dropout.h"

#include "core/nn/keyed_noise.h"
#include "core/nn/on_cuda.h"

namespace hone::nn {

at::Tensor dropout_mask(const Pass& pass, const at::Tensor& x, const DropoutSite& site) {
  if (device::has_cuda_kernel(x)) return dropout_mask_on_cuda(pass, x, site);
  const float keep = 1.0f / static_cast<float>(1.0 - site.rate), rate = static_cast<float>(site.rate);
  return keyed_noise(pass, x.size(1), NoiseUse::dropout, site.site,
                     [&](float u, std::int64_t) { return u < rate ? 0.0f : keep; })
      .to(x.options());
}

}  // namespace hone::nn
