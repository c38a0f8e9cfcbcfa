#pragma once
// Rotary position embedding (Su et al. 2021) in the half-split layout of Hugging Face's Llama: feature i
// pairs with i + D/2, angle = position * theta^(-2i/D) / divisors[i]. x [T, heads, D]; tables [T, D/2] fp32
// (fp64 for fp64 input).
#include <vector>

#include "core/nn/pass.h"

namespace hone::nn {

struct RotarySpec {
  std::int64_t head_dim = 0;
  double theta = 10000;
  std::vector<double> divisors;  // D/2 of them; empty: all 1
};
at::Tensor rotary_frequencies(const RotarySpec& spec,
                              const at::TensorOptions& options);  // angle per position, [D/2]

RotaryTable rotary_table(const at::Tensor& positions, const RotarySpec& spec, at::ScalarType dtype);
RotaryTable rotary_table(const at::Tensor& positions, const at::Tensor& frequencies);  // fp32 (fp64)

Value rotary(const Pass& pass, const Value& x, const RotaryTable& table);

// sign = 1 turns forward, -1 back (which is the backward, a rotation's transpose).
at::Tensor rotate_aten(const at::Tensor& x, const RotaryTable& table, int sign);
at::Tensor rotate_cpu(const at::Tensor& x, const RotaryTable& table, int sign);

}  // namespace hone::nn
