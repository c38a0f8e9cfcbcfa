#pragma once
// Residual addition and RMSNorm in one pass over the row (Zhang & Sennrich 2019):
//   sum = x + delta;  normed = sum / sqrt(mean(sum^2) + eps) * weight
// x, delta, sum, normed [T, H]; weight [H]. Statistics in fp32 (fp64 for fp64 input).
#include "core/nn/pass.h"
#include "core/nn/weight.h"

namespace hone::nn {

struct ResidualNorm {
  Value sum;     // the residual stream
  Value normed;  // what the next sub-layer reads
};

// `delta` undefined: plain RMSNorm of x (sum is then x itself).
ResidualNorm residual_rms_norm(const Pass& pass, const Value& x, const Value& delta, const WeightPtr& weight,
                               double eps);

// The arithmetic alone: the ATen version, the oracle of the kernels' tests, and the CPU kernels (fp32, bf16).
struct RmsNormForward {
  at::Tensor sum, normed, rstd;  // rstd [T] fp32 (fp64)
};
RmsNormForward rms_norm_forward_aten(const at::Tensor& x, const at::Tensor& delta, const at::Tensor& weight,
                                     double eps);
RmsNormForward rms_norm_forward_cpu(const at::Tensor& x, const at::Tensor& delta, const at::Tensor& weight,
                                    double eps);
// d_sum may be undefined. Returns the gradient of x (and of delta): d_sum + that through the norm. Adds to
// d_weight [H] fp32 where defined.
at::Tensor rms_norm_backward_aten(const at::Tensor& d_sum, const at::Tensor& d_normed, const at::Tensor& sum,
                                  const at::Tensor& rstd, const at::Tensor& weight, at::Tensor d_weight);
at::Tensor rms_norm_backward_cpu(const at::Tensor& d_sum, const at::Tensor& d_normed, const at::Tensor& sum,
                                 const at::Tensor& rstd, const at::Tensor& weight, at::Tensor d_weight);

}  // namespace hone::nn
