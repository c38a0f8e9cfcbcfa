#include "core/nn/cpu_math.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "core/nn/vector_exp.h"

namespace hone::nn {
namespace {

inline __attribute__((always_inline)) std::uint16_t round_to_bf16(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t rounded = (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
  return static_cast<std::uint16_t>(value == value ? rounded : 0x7FC0u);
}

}  // namespace

bool has_cpu_kernel(const at::Tensor& tensor) {
  return tensor.device().is_cpu() && tensor.is_contiguous() &&
         (tensor.scalar_type() == at::kFloat || tensor.scalar_type() == at::kBFloat16);
}

void load_row(const float* in, float* out, std::int64_t n) { std::memcpy(out, in, n * sizeof(float)); }
void store_row(const float* in, float* out, std::int64_t n) { std::memcpy(out, in, n * sizeof(float)); }

HONE_CLONES void load_row(const c10::BFloat16* in, float* out, std::int64_t n) {
  const auto* bits = reinterpret_cast<const std::uint16_t*>(in);
  for (std::int64_t i = 0; i < n; ++i) out[i] = std::bit_cast<float>(std::uint32_t{bits[i]} << 16);
}

HONE_CLONES void store_row(const float* in, c10::BFloat16* out, std::int64_t n) {
  auto* bits = reinterpret_cast<std::uint16_t*>(out);
  for (std::int64_t i = 0; i < n; ++i) bits[i] = round_to_bf16(in[i]);
}

// Sixteen partial sums: a fixed order of additions whatever the instruction set.
HONE_CLONES float dot(const float* a, const float* b, std::int64_t n) {
  float lanes[16] = {};
  std::int64_t i = 0;
  for (; i + 16 <= n; i += 16)
    for (int l = 0; l < 16; ++l) lanes[l] += a[i + l] * b[i + l];
  for (int l = 0; i < n; ++i, ++l) lanes[l] += a[i] * b[i];
  for (int width = 8; width > 0; width /= 2)
    for (int l = 0; l < width; ++l) lanes[l] += lanes[l + width];
  return lanes[0];
}

HONE_CLONES void axpy(float alpha, const float* x, float* y, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) y[i] += alpha * x[i];
}

HONE_CLONES float max_of(const float* x, std::int64_t n) {
  float lanes[16];
  std::fill(lanes, lanes + 16, -INFINITY);
  std::int64_t i = 0;
  for (; i + 16 <= n; i += 16)
    for (int l = 0; l < 16; ++l) lanes[l] = x[i + l] > lanes[l] ? x[i + l] : lanes[l];
  for (int l = 0; i < n; ++i, ++l) lanes[l] = x[i] > lanes[l] ? x[i] : lanes[l];
  return *std::max_element(lanes, lanes + 16);
}

HONE_CLONES float sum_of(const float* x, std::int64_t n) {
  float lanes[16] = {};
  std::int64_t i = 0;
  for (; i + 16 <= n; i += 16)
    for (int l = 0; l < 16; ++l) lanes[l] += x[i + l];
  for (int l = 0; i < n; ++i, ++l) lanes[l] += x[i];
  for (int width = 8; width > 0; width /= 2)
    for (int l = 0; l < width; ++l) lanes[l] += lanes[l + width];
  return lanes[0];
}

HONE_CLONES float exp_and_sum(float* x, float shift, std::int64_t n) {
  float lanes[16] = {};
  std::int64_t i = 0;
  for (; i + 16 <= n; i += 16)
    for (int l = 0; l < 16; ++l) lanes[l] += x[i + l] = vector_exp(x[i + l] - shift);
  for (int l = 0; i < n; ++i, ++l) lanes[l] += x[i] = vector_exp(x[i] - shift);
  for (int width = 8; width > 0; width /= 2)
    for (int l = 0; l < width; ++l) lanes[l] += lanes[l + width];
  return lanes[0];
}

HONE_CLONES void scale(float* x, float factor, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) x[i] *= factor;
}

HONE_CLONES void scale_shift(float* x, float factor, float shift, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) x[i] = x[i] * factor + shift;
}

HONE_CLONES void silu_mul(const float* gate, const float* up, float* out, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) out[i] = gate[i] / (1.0f + vector_exp(-gate[i])) * up[i];
}

HONE_CLONES void silu_mul_backward(const float* d_out, const float* gate, const float* up, float* d_gate,
                                   float* d_up, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) {
    const float s = 1.0f / (1.0f + vector_exp(-gate[i]));
    const float silu = gate[i] * s;
    const float d = d_out[i];
    d_gate[i] = d * up[i] * (s + silu * (1.0f - s));
    d_up[i] = d * silu;
  }
}

}  // namespace hone::nn
