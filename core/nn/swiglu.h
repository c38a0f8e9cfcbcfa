#pragma once
// SwiGLU (Shazeer 2020): out = silu(gate) * up, silu(g) = g / (1 + exp(-g)). All [T, F].
#include <utility>

#include "core/nn/pass.h"

namespace hone::nn {

Value swiglu(const Pass& pass, const Value& gate, const Value& up);

at::Tensor swiglu_forward_aten(const at::Tensor& gate, const at::Tensor& up);
at::Tensor swiglu_forward_cpu(const at::Tensor& gate, const at::Tensor& up);
using GateUp = std::pair<at::Tensor, at::Tensor>;  // gradients of gate and up
GateUp swiglu_backward_aten(const at::Tensor& d_out, const at::Tensor& gate, const at::Tensor& up);
GateUp swiglu_backward_cpu(const at::Tensor& d_out, const at::Tensor& gate, const at::Tensor& up);

}  // namespace hone::nn
