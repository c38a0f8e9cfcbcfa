#include "core/optim/blockwise.h"

#include <algorithm>
#include <cmath>

#include "core/nn/cpu_math.h"

namespace hone::optim {
namespace {

// The last of 256 ascending values that is not above x, or the first. By bisection, written out so that a loop
// over numbers vectorises.
inline __attribute__((always_inline)) int last_not_above(const float* values, float x) {
  int at = values[128] <= x ? 128 : 0;
  at += values[at + 64] <= x ? 64 : 0;
  at += values[at + 32] <= x ? 32 : 0;
  at += values[at + 16] <= x ? 16 : 0;
  at += values[at + 8] <= x ? 8 : 0;
  at += values[at + 4] <= x ? 4 : 0;
  at += values[at + 2] <= x ? 2 : 0;
  return at + (values[at + 1] <= x ? 1 : 0);
}

}  // namespace

HONE_CLONES float quantize_block(const DynamicMap& map, const float* x, std::uint8_t* __restrict codes,
                                 std::int64_t count) {
  const float* values = map.data();
  float absmax = 0;
  for (std::int64_t i = 0; i < count; ++i) absmax = std::max(absmax, std::fabs(x[i]));
  const float inverse = absmax > 0 ? 1.0f / absmax : 0.0f;
  for (std::int64_t i = 0; i < count; ++i) {
    const float value = x[i] * inverse;
    const int left = last_not_above(values, value), right = left < 255 ? left + 1 : 255;
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
