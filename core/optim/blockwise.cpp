#include "core/optim/blockwise.h"

#include <algorithm>
#include <cmath>

#include "core/nn/cpu_math.h"

namespace hone::optim {

HONE_CLONES float quantize_block(const DynamicMap& map, const float* x, std::uint8_t* codes,
                                 std::int64_t count) {
  const float* values = map.data();
  float absmax = 0;
  for (std::int64_t i = 0; i < count; ++i) absmax = std::max(absmax, std::fabs(x[i]));
  const float inverse = absmax > 0 ? 1.0f / absmax : 0.0f;
  for (std::int64_t i = 0; i < count; ++i) {
    const float value = x[i] * inverse;
    int left = 0;  // the last value that is not above, by bisection
    for (int step = 128; step > 0; step /= 2) left += values[left + step] <= value ? step : 0;
    const int right = std::min(left + 1, 255);
    const bool right_is_nearer = std::fabs(value - values[right]) < std::fabs(value - values[left]);
    codes[i] = static_cast<std::uint8_t>(right_is_nearer ? right : left);
  }
  return absmax;
}

HONE_CLONES void dequantize_block(const DynamicMap& map, const std::uint8_t* codes, float absmax, float* x,
                                  std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) x[i] = map.data()[codes[i]] * absmax;
}

}  // namespace hone::optim
