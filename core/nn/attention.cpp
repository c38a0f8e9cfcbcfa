#include "core/nn/attention.h"

#include <ATen/ATen.h>

#include "core/base/error.h"
#include "core/nn/cpu_math.h"

namespace hone::nn {
namespace {

bool use_cpu_kernel(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
  return has_cpu_kernel(q) && has_cpu_kernel(k) && has_cpu_kernel(v);
}

bool use_cuda_kernel(const at::Tensor& q) {
  return q.is_cuda() && cuda_attention(q.scalar_type(), q.size(2)) != CudaAttention::none;
}

auto forward_kernel(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
  if (use_cuda_kernel(q)) return attention_forward_on_cuda;
  return use_cpu_kernel(q, k, v) ? attention_forward_cpu : attention_forward_aten;
}

auto backward_kernel(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
  if (use_cuda_kernel(q)) return attention_backward_on_cuda;
  return use_cpu_kernel(q, k, v) ? attention_backward_cpu : attention_backward_aten;
}

struct AttentionNode final : TapeNode {
  at::Tensor q, k, v;
  AttentionForward forward;
  AttentionSpec spec;
  int q_slot, k_slot, v_slot, out;

  void backward(Gradients& gradients, GradientSink&) override {
    const at::Tensor d_out = gradients.take(out);
    if (!d_out.defined()) return;
    AttentionBackward d =
        backward_kernel(q, k, v)(d_out.reshape(q.sizes()).contiguous(), q, k, v, forward, spec);
    gradients.add(q_slot, std::move(d.dq));
    gradients.add(k_slot, std::move(d.dk));
    gradients.add(v_slot, std::move(d.dv));
  }
};

// One sequence as batched matrices, the queries of a key head side by side: q [Hk, G * n, D], k, v [Hk, m, D].
struct SequenceView {
  std::int64_t n, m, group;
  at::Tensor q, k, v;
  at::Tensor hidden;  // [G * n, m] true where a query must not see a key; undefined: sees all
};

at::Tensor by_key_head(const at::Tensor& x, std::int64_t begin, std::int64_t n, std::int64_t key_heads) {
  const std::int64_t group = x.size(1) / key_heads, dim = x.size(2);
  return x.narrow(0, begin, n)
      .view({n, key_heads, group, dim})
      .permute({1, 2, 0, 3})
      .reshape({key_heads, group * n, dim});
}

at::Tensor to_tokens(const at::Tensor& x, std::int64_t n, std::int64_t group) {
  const std::int64_t key_heads = x.size(0), dim = x.size(2);
  return x.view({key_heads, group, n, dim}).permute({2, 0, 1, 3}).reshape({n, key_heads * group, dim});
}

SequenceView sequence_view(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                           const AttentionSpec& spec, std::size_t s) {
  SequenceView view;
  view.n = spec.cu_q[s + 1] - spec.cu_q[s];
  view.m = spec.k_length[s];
  const std::int64_t key_heads = k.size(1);
  view.group = q.size(1) / key_heads;
  const at::ScalarType wide = q.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  view.q = by_key_head(q, spec.cu_q[s], view.n, key_heads).to(wide);
  view.k = by_key_head(k, spec.k_begin[s], view.m, key_heads).to(wide);
  view.v = by_key_head(v, spec.k_begin[s], view.m, key_heads).to(wide);
  if (spec.causal) {
    const at::Tensor row = at::arange(view.n, q.device()).unsqueeze(1) + (view.m - view.n);
    view.hidden = (at::arange(view.m, q.device()).unsqueeze(0) > row).repeat({view.group, 1});
  }
  return view;
}

at::Tensor scores_of(const SequenceView& view, double scale) {
  at::Tensor scores = at::bmm(view.q, view.k.transpose(1, 2)).mul_(scale);
  if (view.hidden.defined()) scores.masked_fill_(view.hidden, -std::numeric_limits<double>::infinity());
  return scores;
}

}  // namespace

AttentionSpec self_attention(const std::vector<std::int64_t>& cu_seqlens, double scale) {
  AttentionSpec spec;
  spec.cu_q = cu_seqlens;
  spec.scale = scale;
  for (std::size_t s = 0; s + 1 < cu_seqlens.size(); ++s) {
    spec.k_begin.push_back(cu_seqlens[s]);
    spec.k_length.push_back(cu_seqlens[s + 1] - cu_seqlens[s]);
  }
  return spec;
}

AttentionSpec self_attention(const BatchTensors& batch, double scale) {
  AttentionSpec spec = self_attention(batch.cu_seqlens, scale);
  const DeviceBatch& d = batch.on_device;
  spec.on_device = {d.cu_seqlens, d.cu_seqlens, {}, d.longest, d.longest};
  return spec;
}

Value attention(const Pass& pass, const Value& q, const Value& k, const Value& v, const AttentionSpec& spec) {
  if (spec.window || spec.soft_cap || spec.bias.defined())
    throw Error(Exit::usage, "NN001", "attention variant not built", "attention",
                "window, soft-cap and bias are refused by this version");
  AttentionForward forward = forward_kernel(q.tensor, k.tensor, v.tensor)(q.tensor, k.tensor, v.tensor, spec);
  Value out = pass.output(forward.out, q.wants_gradient() || k.wants_gradient() || v.wants_gradient());
  if (out.wants_gradient()) {
    auto node = std::make_unique<AttentionNode>();
    node->q = q.tensor, node->k = k.tensor, node->v = v.tensor;
    node->forward = std::move(forward);
    node->spec = spec;
    node->q_slot = q.slot, node->k_slot = k.slot, node->v_slot = v.slot;
    node->out = out.slot;
    pass.tape->record(std::move(node));
  }
  return out;
}

AttentionForward attention_forward_aten(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                        const AttentionSpec& spec) {
  const at::ScalarType wide = q.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  AttentionForward forward{
      at::empty_like(q), at::empty({q.size(0), q.size(1)}, q.options().dtype(wide)), {}, {}};
  for (std::size_t s = 0; s + 1 < spec.cu_q.size(); ++s) {
    const SequenceView view = sequence_view(q, k, v, spec, s);
    if (view.n == 0) continue;
    const at::Tensor scores = scores_of(view, spec.scale);
    const at::Tensor lse = scores.logsumexp(-1, /*keepdim=*/true);
    const at::Tensor out = at::bmm((scores - lse).exp_(), view.v);
    forward.out.narrow(0, spec.cu_q[s], view.n).copy_(to_tokens(out, view.n, view.group));
    forward.lse.narrow(0, spec.cu_q[s], view.n).copy_(to_tokens(lse, view.n, view.group).squeeze(-1));
  }
  return forward;
}

AttentionBackward attention_backward_aten(const at::Tensor& d_out, const at::Tensor& q, const at::Tensor& k,
                                          const at::Tensor& v, const AttentionForward& forward,
                                          const AttentionSpec& spec) {
  AttentionBackward d{at::empty_like(q), at::empty_like(k), at::empty_like(v)};
  const std::int64_t key_heads = k.size(1);
  for (std::size_t s = 0; s + 1 < spec.cu_q.size(); ++s) {
    const SequenceView view = sequence_view(q, k, v, spec, s);
    if (view.m == 0) continue;
    const at::Tensor dy = by_key_head(d_out, spec.cu_q[s], view.n, key_heads).to(view.q.scalar_type());
    const at::Tensor p = at::softmax(scores_of(view, spec.scale), -1);
    const at::Tensor dp = at::bmm(dy, view.v.transpose(1, 2));
    const at::Tensor ds = p * (dp - (p * dp).sum(-1, /*keepdim=*/true)) * spec.scale;
    d.dq.narrow(0, spec.cu_q[s], view.n).copy_(to_tokens(at::bmm(ds, view.k), view.n, view.group));
    d.dk.narrow(0, spec.k_begin[s], view.m).copy_(to_tokens(at::bmm(ds.transpose(1, 2), view.q), view.m, 1));
    d.dv.narrow(0, spec.k_begin[s], view.m).copy_(to_tokens(at::bmm(p.transpose(1, 2), dy), view.m, 1));
  }
  return d;
}

}  // namespace hone::nn
