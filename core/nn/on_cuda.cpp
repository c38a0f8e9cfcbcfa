#include "core/nn/on_cuda.h"

#include <ATen/ATen.h>

#include "core/nn/dropout_cuda.h"
#include "core/nn/embedding_cuda.h"
#include "core/nn/linear_cross_entropy_cuda.h"
#include "core/nn/rms_norm_cuda.h"
#include "core/nn/rotary_cuda.h"
#include "core/nn/swiglu_cuda.h"

namespace hone::nn {
namespace {

using device::cuda_float;
using device::stream_on;

const void* read(const at::Tensor& tensor) { return tensor.defined() ? tensor.const_data_ptr() : nullptr; }
void* write(at::Tensor& tensor) { return tensor.mutable_data_ptr(); }

at::Tensor rows_like(const at::Tensor& x, at::IntArrayRef shape) {
  return at::empty(shape, x.options().dtype(at::kFloat));
}

const std::uint32_t* words(const at::Tensor& int32) {
  return reinterpret_cast<const std::uint32_t*>(int32.const_data_ptr<std::int32_t>());
}

}  // namespace

RmsNormForward rms_norm_forward_on_cuda(const at::Tensor& x, const at::Tensor& delta,
                                        const at::Tensor& weight, double eps) {
  const at::Tensor added = delta.defined() ? delta.contiguous() : delta;
  RmsNormForward out{delta.defined() ? at::empty_like(x) : x, at::empty_like(x), rows_like(x, {x.size(0)})};
  rms_norm_forward_cuda({.type = cuda_float(x.scalar_type()),
                         .rows = x.size(0),
                         .width = x.size(1),
                         .x = read(x),
                         .delta = read(added),
                         .weight = read(weight),
                         .eps = static_cast<float>(eps),
                         .sum = delta.defined() ? write(out.sum) : nullptr,
                         .normed = write(out.normed),
                         .rstd = out.rstd.mutable_data_ptr<float>()},
                        stream_on(x.device()));
  return out;
}

at::Tensor rms_norm_backward_on_cuda(const at::Tensor& d_sum, const at::Tensor& d_normed,
                                     const at::Tensor& sum, const at::Tensor& rstd, const at::Tensor& weight,
                                     at::Tensor d_weight) {
  const at::Tensor d_sum_rows = d_sum.defined() ? d_sum.contiguous() : d_sum,
                   d_normed_rows = d_normed.contiguous();
  at::Tensor d_x = at::empty_like(sum);
  const bool trained = d_weight.defined();
  at::Tensor workspace = trained ? rows_like(sum, {kRmsNormGroups, sum.size(1)}) : at::Tensor();
  rms_norm_backward_cuda({.type = cuda_float(sum.scalar_type()),
                          .rows = sum.size(0),
                          .width = sum.size(1),
                          .d_sum = read(d_sum_rows),
                          .d_normed = read(d_normed_rows),
                          .sum = read(sum),
                          .rstd = rstd.const_data_ptr<float>(),
                          .weight = read(weight),
                          .d_x = write(d_x),
                          .d_weight = trained ? d_weight.mutable_data_ptr<float>() : nullptr,
                          .workspace = trained ? workspace.mutable_data_ptr<float>() : nullptr},
                         stream_on(sum.device()));
  return d_x;
}

at::Tensor rotate_on_cuda(const at::Tensor& x, const RotaryTable& table, int sign) {
  at::Tensor out = at::empty_like(x);
  rotate_cuda({.type = cuda_float(x.scalar_type()),
               .tokens = x.size(0),
               .heads = x.size(1),
               .dim = x.size(2),
               .x = read(x),
               .cos = table.cos.const_data_ptr<float>(),
               .sin = table.sin.const_data_ptr<float>(),
               .sign = sign,
               .out = write(out)},
              stream_on(x.device()));
  return out;
}

at::Tensor swiglu_forward_on_cuda(const at::Tensor& gate, const at::Tensor& up) {
  const at::Tensor up_rows = up.contiguous();
  at::Tensor out = at::empty_like(gate);
  swiglu_forward_cuda(cuda_float(gate.scalar_type()), gate.numel(), read(gate), read(up_rows), write(out),
                      stream_on(gate.device()));
  return out;
}

GateUp swiglu_backward_on_cuda(const at::Tensor& d_out, const at::Tensor& gate, const at::Tensor& up) {
  const at::Tensor up_rows = up.contiguous(), d_rows = d_out.contiguous();
  at::Tensor d_gate = at::empty_like(gate), d_up = at::empty_like(gate);
  swiglu_backward_cuda(cuda_float(gate.scalar_type()), gate.numel(), read(d_rows), read(gate), read(up_rows),
                       write(d_gate), write(d_up), stream_on(gate.device()));
  return {d_gate, d_up};
}

at::Tensor embedding_on_cuda(const at::Tensor& table, const at::Tensor& tokens) {
  at::Tensor out = at::empty({tokens.size(0), table.size(1)}, table.options());
  embedding_forward_cuda(cuda_float(table.scalar_type()), tokens.size(0), table.size(1),
                         tokens.const_data_ptr<std::int64_t>(), read(table), write(out),
                         stream_on(table.device()));
  return out;
}

void embedding_backward_on_cuda(const at::Tensor& d_out, const at::Tensor& tokens, at::Tensor gradient) {
  const at::Tensor d_rows = d_out.contiguous();
  embedding_backward_cuda(cuda_float(d_rows.scalar_type()), tokens.size(0), d_rows.size(1),
                          tokens.const_data_ptr<std::int64_t>(), read(d_rows),
                          gradient.mutable_data_ptr<float>(), stream_on(d_rows.device()));
}

at::Tensor dropout_mask_on_cuda(const Pass& pass, const at::Tensor& x, const DropoutSite& site) {
  const DeviceBatch& batch = pass.batch.on_device;
  at::Tensor mask = at::empty_like(x);
  dropout_mask_cuda({.type = cuda_float(x.scalar_type()),
                     .tokens = x.size(0),
                     .width = x.size(1),
                     .seed = pass.dropout.seed,
                     .site = site.site,
                     .rate = site.rate,
                     .epoch = batch.epoch.const_data_ptr<std::int64_t>(),
                     .sample = words(batch.sample),
                     .slot = words(batch.slot),
                     .position = words(batch.place),
                     .mask = write(mask)},
                    stream_on(x.device()));
  return mask;
}

at::Tensor softmax_gradient_on_cuda(at::Tensor& logits, const at::Tensor& targets,
                                    const at::Tensor& grad_scale, const LossTerms& terms) {
  at::Tensor losses = rows_like(logits, {logits.size(0)});
  softmax_gradient_cuda({.type = cuda_float(logits.scalar_type()),
                         .rows = logits.size(0),
                         .vocab = logits.size(1),
                         .logits = write(logits),
                         .targets = targets.const_data_ptr<std::int64_t>(),
                         .loss = losses.mutable_data_ptr<float>(),
                         .label_smoothing = static_cast<float>(terms.label_smoothing),
                         .z_loss = static_cast<float>(terms.z_loss)},
                        grad_scale.const_data_ptr<float>(), stream_on(logits.device()));
  return losses;
}

}  // namespace hone::nn
