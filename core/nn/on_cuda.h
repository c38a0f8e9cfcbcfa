#pragma once
// The operators' CUDA versions on tensors: they make the outputs, hand pointers to the kernels (`*_cuda.h`)
// and queue them on the stream the tensors' operators run on. Same signatures and results as the ATen
// versions; inputs for which device::has_cuda_kernel holds.
#include "core/device/device.h"
#include "core/nn/dropout.h"
#include "core/nn/linear_cross_entropy.h"
#include "core/nn/rms_norm.h"
#include "core/nn/rotary.h"
#include "core/nn/swiglu.h"

namespace hone::nn {

RmsNormForward rms_norm_forward_on_cuda(const at::Tensor& x, const at::Tensor& delta,
                                        const at::Tensor& weight, double eps);
at::Tensor rms_norm_backward_on_cuda(const at::Tensor& d_sum, const at::Tensor& d_normed,
                                     const at::Tensor& sum, const at::Tensor& rstd, const at::Tensor& weight,
                                     at::Tensor d_weight);
at::Tensor rotate_on_cuda(const at::Tensor& x, const RotaryTable& table, int sign);
at::Tensor swiglu_forward_on_cuda(const at::Tensor& gate, const at::Tensor& up);
GateUp swiglu_backward_on_cuda(const at::Tensor& d_out, const at::Tensor& gate, const at::Tensor& up);

at::Tensor embedding_on_cuda(const at::Tensor& table, const at::Tensor& tokens);
void embedding_backward_on_cuda(const at::Tensor& d_out, const at::Tensor& tokens, at::Tensor gradient);

at::Tensor dropout_mask_on_cuda(const Pass& pass, const at::Tensor& x, const DropoutSite& site);

at::Tensor softmax_gradient_on_cuda(at::Tensor& logits, const at::Tensor& targets,
                                    const at::Tensor& grad_scale, const LossTerms& terms);

}  // namespace hone::nn
