#include "core/nn/rotary.h"

#include <ATen/ATen.h>

#include "core/nn/cpu_math.h"
#include "core/nn/on_cuda.h"

namespace hone::nn {
namespace {

at::Tensor rotate(const at::Tensor& x, const RotaryTable& table, int sign) {
  if (device::has_cuda_kernel(x)) return rotate_on_cuda(x, table, sign);
  return has_cpu_kernel(x) ? rotate_cpu(x, table, sign) : rotate_aten(x, table, sign);
}

struct RotaryNode final : TapeNode {
  RotaryTable table;
  int x, out;

  void backward(Gradients& gradients, GradientSink&) override {
    const at::Tensor d_out = gradients.take(out);
    if (d_out.defined()) gradients.add(x, rotate(d_out, table, -1));
  }
};

// The library below LibTorch finds out at its first sine or cosine which processor it is on, without a lock: two threads
// that call first at the same time may take different kernels, whose last bits differ.
void settle_sine_and_cosine() {
  static const bool done = [] {
    const at::Tensor one = at::ones({1}, at::kFloat);
    return at::cos(one).defined() && at::sin(one).defined();
  }();
  (void)done;
}

}  // namespace

at::Tensor rotary_frequencies(const RotarySpec& spec, const at::TensorOptions& options) {
  // fp32 powers, as transformers computes them: the last bits of the angle depend on it at large positions.
  const at::Tensor exponent = at::arange(0, spec.head_dim, 2, options) / static_cast<double>(spec.head_dim);
  const at::Tensor frequencies = at::reciprocal(at::pow(spec.theta, exponent));
  return spec.divisors.empty() ? frequencies : frequencies / at::tensor(spec.divisors, options);
}

RotaryTable rotary_table(const at::Tensor& positions, const RotarySpec& spec, at::ScalarType dtype) {
  const at::ScalarType wide = dtype == at::kDouble ? at::kDouble : at::kFloat;
  const auto options = at::TensorOptions().dtype(wide).device(positions.device());
  return rotary_table(positions, rotary_frequencies(spec, options));
}

RotaryTable rotary_table(const at::Tensor& positions, const at::Tensor& frequencies) {
  settle_sine_and_cosine();
  const at::Tensor angle = positions.to(frequencies.scalar_type()).unsqueeze(-1) * frequencies;
  return {at::cos(angle), at::sin(angle)};
}

Value rotary(const Pass& pass, const Value& x, const RotaryTable& table) {
  Value out = pass.output(rotate(x.tensor, table, 1), x.wants_gradient());
  if (out.wants_gradient()) {
    auto node = std::make_unique<RotaryNode>();
    node->table = table;
    node->x = x.slot;
    node->out = out.slot;
    pass.tape->record(std::move(node));
  }
  return out;
}

at::Tensor rotate_aten(const at::Tensor& x, const RotaryTable& table, int sign) {
  const std::int64_t half = x.size(-1) / 2;
  const at::ScalarType wide = table.cos.scalar_type();
  const at::Tensor a = x.narrow(-1, 0, half).to(wide), b = x.narrow(-1, half, half).to(wide);
  const at::Tensor cos = table.cos.unsqueeze(1), sin = table.sin.unsqueeze(1) * sign;
  return at::cat({a * cos - b * sin, b * cos + a * sin}, -1).to(x.scalar_type());
}

}  // namespace hone::nn
