#include "core/nn/neftune.h"

#include <ATen/ATen.h>

#include <cmath>

#include "core/nn/keyed_noise.h"

namespace hone::nn {

at::Tensor add_neftune_noise(const Pass& pass, const at::Tensor& x, double alpha) {
  const std::int64_t width = x.size(1);
  const at::Tensor noise =
      keyed_noise(pass, width, NoiseUse::embedding, 0, [&](float u, std::int64_t length) {
        const auto magnitude = static_cast<float>(alpha / std::sqrt(static_cast<double>(length * width)));
        return (2.0f * u - 1.0f) * magnitude;
      });
  return at::add(x, noise.to(x.device())).to(x.scalar_type());
}

}  // namespace hone::nn
