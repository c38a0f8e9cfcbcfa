#include "core/nn/swiglu.h"

#include <ATen/ATen.h>

#include "core/nn/cpu_math.h"
#include "core/nn/on_cuda.h"

namespace hone::nn {
namespace {

auto forward_kernel(const at::Tensor& gate) {
  if (device::has_cuda_kernel(gate)) return swiglu_forward_on_cuda;
  return has_cpu_kernel(gate) ? swiglu_forward_cpu : swiglu_forward_aten;
}

auto backward_kernel(const at::Tensor& gate) {
  if (device::has_cuda_kernel(gate)) return swiglu_backward_on_cuda;
  return has_cpu_kernel(gate) ? swiglu_backward_cpu : swiglu_backward_aten;
}

struct SwigluNode final : TapeNode {
  at::Tensor gate, up;
  int gate_slot, up_slot, out;

  void backward(Gradients& gradients, GradientSink&) override {
    const at::Tensor d_out = gradients.take(out);
    if (!d_out.defined()) return;
    auto [d_gate, d_up] = backward_kernel(gate)(d_out, gate, up);
    gradients.add(gate_slot, std::move(d_gate));
    gradients.add(up_slot, std::move(d_up));
  }
};

}  // namespace

Value swiglu(const Pass& pass, const Value& gate, const Value& up) {
  const auto kernel = forward_kernel(gate.tensor);
  Value out = pass.output(kernel(gate.tensor, up.tensor), gate.wants_gradient() || up.wants_gradient());
  if (out.wants_gradient()) {
    auto node = std::make_unique<SwigluNode>();
    node->gate = gate.tensor;
    node->up = up.tensor;
    node->gate_slot = gate.slot;
    node->up_slot = up.slot;
    node->out = out.slot;
    pass.tape->record(std::move(node));
    out.again = std::make_shared<Saved>([kernel, g = gate.tensor, u = up.tensor] { return kernel(g, u); });
  }
  return out;
}

at::Tensor swiglu_forward_aten(const at::Tensor& gate, const at::Tensor& up) {
  const at::ScalarType wide = gate.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  return (at::silu(gate.to(wide)) * up.to(wide)).to(gate.scalar_type());
}

GateUp swiglu_backward_aten(const at::Tensor& d_out, const at::Tensor& gate, const at::Tensor& up) {
  const at::ScalarType wide = gate.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  const at::Tensor g = gate.to(wide), u = up.to(wide), d = d_out.to(wide);
  const at::Tensor s = at::sigmoid(g);
  const at::Tensor d_gate = d * u * s * (1 + g * (1 - s));
  return {d_gate.to(gate.scalar_type()), (d * g * s).to(up.scalar_type())};
}

}  // namespace hone::nn
