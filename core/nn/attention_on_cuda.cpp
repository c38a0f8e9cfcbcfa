// Attention on CUDA devices by LibTorch's own kernels, which need no padding either: flash attention for fp16
// and bf16, memory-efficient attention for fp32. Sequences are told by int32 tensors on the device.
#include <ATen/ATen.h>

#include "core/base/error.h"
#include "core/nn/attention.h"

namespace hone::nn {
namespace {

constexpr std::int64_t kCausalFromBottomRight = 2;  // custom_mask_type of the memory-efficient kernels

std::int64_t mask_type(const AttentionSpec& spec) { return spec.causal ? kCausalFromBottomRight : 0; }

std::optional<at::Tensor> maybe(const at::Tensor& tensor) {
  return tensor.defined() ? std::optional(tensor) : std::nullopt;
}

// The backward kernels address an fp32 buffer of [tokens + 128 a sequence, heads, dim up to a multiple of 32]
// by 32-bit numbers.
void require_index_range(const at::Tensor& q, const AttentionSpec& spec) {
  const std::int64_t sequences = spec.on_device.cu_q.size(0) - 1;
  if (flash_attention_fits(q.size(0), sequences, q.size(1), q.size(2))) return;
  throw Error(Exit::usage, "NN002", "micro-batch too large for the attention kernel", "train.micro_tokens",
              std::to_string(q.size(0)) + " tokens in " + std::to_string(sequences) + " sequences",
              "lower it");
}

AttentionForward flash_forward(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                               const AttentionSpec& spec) {
  require_index_range(q, spec);
  const AttentionSpec::OnDevice& d = spec.on_device;
  auto [out, lse, seed, offset, mask] = at::_flash_attention_forward(
      q, k, v, d.cu_q, d.k_begin, d.longest_q, d.longest_k, /*dropout_p=*/0.0, spec.causal,
      /*return_debug_mask=*/false, spec.scale, std::nullopt, std::nullopt, maybe(d.k_length));
  return {out, lse, seed, offset};
}

AttentionBackward flash_backward(const at::Tensor& d_out, const at::Tensor& q, const at::Tensor& k,
                                 const at::Tensor& v, const AttentionForward& forward,
                                 const AttentionSpec& spec) {
  const AttentionSpec::OnDevice& d = spec.on_device;
  auto [dq, dk, dv] = at::_flash_attention_backward(d_out, q, k, v, forward.out, forward.lse, d.cu_q,
                                                    d.k_begin, d.longest_q, d.longest_k, /*dropout_p=*/0.0,
                                                    spec.causal, forward.seed, forward.offset, spec.scale);
  return {dq, dk, dv};
}

// The memory-efficient kernels know no groups: every query head gets a key head of its own. [1, Tk, H, D]
at::Tensor for_each_query_head(const at::Tensor& x, std::int64_t heads) {
  const std::int64_t tokens = x.size(0), key_heads = x.size(1), dim = x.size(2);
  return x.unsqueeze(2).expand({tokens, key_heads, heads / key_heads, dim}).reshape({1, tokens, heads, dim});
}

at::Tensor sum_over_group(const at::Tensor& d, std::int64_t key_heads) {
  const std::int64_t tokens = d.size(1), heads = d.size(2), dim = d.size(3);
  return d.view({tokens, key_heads, heads / key_heads, dim}).sum(2);
}

AttentionForward efficient_forward(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                   const AttentionSpec& spec) {
  const AttentionSpec::OnDevice& d = spec.on_device;
  const std::int64_t heads = q.size(1);
  auto [out, lse, seed, offset, longest_q, longest_k] = at::_efficient_attention_forward(
      q.unsqueeze(0), for_each_query_head(k, heads), for_each_query_head(v, heads), /*bias=*/std::nullopt,
      d.cu_q, d.k_begin, d.longest_q, d.longest_k, /*dropout_p=*/0.0, mask_type(spec),
      /*compute_log_sumexp=*/true, spec.scale, maybe(d.k_length));
  return {out.squeeze(0), lse, seed, offset};
}

AttentionBackward efficient_backward(const at::Tensor& d_out, const at::Tensor& q, const at::Tensor& k,
                                     const at::Tensor& v, const AttentionForward& forward,
                                     const AttentionSpec& spec) {
  const AttentionSpec::OnDevice& d = spec.on_device;
  const std::int64_t heads = q.size(1), key_heads = k.size(1);
  auto [dq, dk, dv, d_bias] = at::_efficient_attention_backward(
      d_out.unsqueeze(0), q.unsqueeze(0), for_each_query_head(k, heads), for_each_query_head(v, heads),
      /*bias=*/std::nullopt, forward.out.unsqueeze(0), d.cu_q, d.k_begin, d.longest_q, d.longest_k,
      forward.lse,
      /*dropout_p=*/0.0, forward.seed, forward.offset, mask_type(spec), /*bias_requires_grad=*/false,
      spec.scale);
  return {dq.squeeze(0), sum_over_group(dk, key_heads), sum_over_group(dv, key_heads)};
}

}  // namespace

bool flash_attention_fits(std::int64_t tokens, std::int64_t sequences, std::int64_t heads, std::int64_t dim) {
  return (tokens + 128 * sequences) * heads * ((dim + 31) / 32 * 32) < std::int64_t{1} << 31;
}

CudaAttention cuda_attention(at::ScalarType type, std::int64_t dim) {
  const bool half = type == at::kHalf || type == at::kBFloat16;
  if (half && dim % 8 == 0 && dim <= 256) return CudaAttention::flash;
  const bool aligned = dim % (half ? 8 : 4) == 0;  // 16 bytes
  return (half || type == at::kFloat) && aligned ? CudaAttention::efficient : CudaAttention::none;
}

AttentionForward attention_forward_on_cuda(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                           const AttentionSpec& spec) {
  const bool flash = cuda_attention(q.scalar_type(), q.size(2)) == CudaAttention::flash;
  return (flash ? flash_forward : efficient_forward)(q, k, v, spec);
}

AttentionBackward attention_backward_on_cuda(const at::Tensor& d_out, const at::Tensor& q,
                                             const at::Tensor& k, const at::Tensor& v,
                                             const AttentionForward& forward, const AttentionSpec& spec) {
  const bool flash = cuda_attention(q.scalar_type(), q.size(2)) == CudaAttention::flash;
  return (flash ? flash_backward : efficient_backward)(d_out, q, k, v, forward, spec);
}

}  // namespace hone::nn
