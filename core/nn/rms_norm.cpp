#include "core/nn/rms_norm.h"

#include <ATen/ATen.h>

#include "core/nn/cpu_math.h"
#include "core/nn/on_cuda.h"

namespace hone::nn {
namespace {

auto forward_kernel(const at::Tensor& x) {
  if (device::has_cuda_kernel(x)) return rms_norm_forward_on_cuda;
  return has_cpu_kernel(x) ? rms_norm_forward_cpu : rms_norm_forward_aten;
}

auto backward_kernel(const at::Tensor& sum) {
  if (device::has_cuda_kernel(sum)) return rms_norm_backward_on_cuda;
  return has_cpu_kernel(sum) ? rms_norm_backward_cpu : rms_norm_backward_aten;
}

struct ResidualNormNode final : TapeNode {
  at::Tensor sum, rstd;
  WeightPtr weight;
  int x, delta, out_sum, out_normed;

  void backward(Gradients& gradients, GradientSink& sink) override {
    const at::Tensor d_sum = gradients.take(out_sum);
    const at::Tensor d_normed = gradients.take(out_normed);
    if (!d_normed.defined()) {
      gradients.add(x, d_sum);
      gradients.add(delta, d_sum);
      return;
    }
    const at::Tensor w = weight->acquire();
    const at::Tensor d_weight = weight->parameter() ? sink.gradient(*weight->parameter()) : at::Tensor();
    const at::Tensor d_x = backward_kernel(sum)(d_sum, d_normed, sum, rstd, w, d_weight);
    gradients.add(x, d_x);
    gradients.add(delta, d_x);
  }
};

}  // namespace

ResidualNorm residual_rms_norm(const Pass& pass, const Value& x, const Value& delta, const WeightPtr& weight,
                               double eps) {
  const auto kernel = forward_kernel(x.tensor);
  RmsNormForward forward = kernel(x.tensor, delta.tensor, weight->acquire(), eps);
  const bool wants = x.wants_gradient() || delta.wants_gradient() || weight->parameter().has_value();
  ResidualNorm out;
  out.sum = delta.tensor.defined() ? pass.output(forward.sum, wants) : x;
  out.normed = pass.output(std::move(forward.normed), wants);
  if (out.normed.wants_gradient()) {
    out.normed.again = std::make_shared<Saved>(
        [kernel, sum = forward.sum, weight, eps] { return kernel(sum, {}, weight->acquire(), eps).normed; });
    auto node = std::make_unique<ResidualNormNode>();
    node->sum = std::move(forward.sum);
    node->rstd = std::move(forward.rstd);
    node->weight = weight;
    node->x = x.slot;
    node->delta = delta.slot;
    node->out_sum = delta.tensor.defined() ? out.sum.slot : -1;
    node->out_normed = out.normed.slot;
    pass.tape->record(std::move(node));
  }
  return out;
}

RmsNormForward rms_norm_forward_aten(const at::Tensor& x, const at::Tensor& delta, const at::Tensor& weight,
                                     double eps) {
  const at::Tensor sum = delta.defined() ? x + delta : x;
  const at::ScalarType wide = x.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  const at::Tensor s = sum.to(wide);
  const at::Tensor rstd = s.square().mean(-1).add(eps).rsqrt();
  const at::Tensor normed = (s * rstd.unsqueeze(-1) * weight.to(wide)).to(x.scalar_type());
  return {sum, normed, rstd};
}

at::Tensor rms_norm_backward_aten(const at::Tensor& d_sum, const at::Tensor& d_normed, const at::Tensor& sum,
                                  const at::Tensor& rstd, const at::Tensor& weight, at::Tensor d_weight) {
  const at::ScalarType wide = rstd.scalar_type();
  const at::Tensor r = rstd.unsqueeze(-1);
  const at::Tensor x_hat = sum.to(wide) * r;
  const at::Tensor dy = d_normed.to(wide);
  if (d_weight.defined()) d_weight.add_((dy * x_hat).sum(0));
  const at::Tensor g = dy * weight.to(wide);
  at::Tensor d_x = r * (g - x_hat * (g * x_hat).mean(-1, /*keepdim=*/true));
  if (d_sum.defined()) d_x = d_x + d_sum.to(wide);
  return d_x.to(sum.scalar_type());
}

}  // namespace hone::nn
