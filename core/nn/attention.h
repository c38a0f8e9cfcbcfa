#pragma once
// Scaled dot-product attention over packed sequences, grouped-query. q [Tq, H, D]; k, v [Tk, Hk, D]; H % Hk == 0;
// sequence s has queries [cu_q[s], cu_q[s+1]) and keys [k_begin[s], k_begin[s] + k_length[s]). Causal masks are bottom-right
// aligned: the last query sees every key. out [Tq, H, D]. Window, soft-cap and bias are part of the interface
// and refused by this version.
#include <optional>
#include <vector>

#include "core/nn/pass.h"

namespace hone::nn {

enum class Bf16Unit;  // core/nn/bf16_blocks.h

struct AttentionSpec {
  std::vector<std::int64_t> cu_q;               // [S + 1], host
  std::vector<std::int64_t> k_begin, k_length;  // [S], host; a cache leaves room between sequences
  bool causal = true;
  double scale = 1;
  std::optional<std::int64_t> window;
  std::optional<double> soft_cap;
  at::Tensor bias;

  // The same for kernels on a device, int32 there; undefined on a CPU.
  struct OnDevice {
    at::Tensor cu_q;      // [S + 1]
    at::Tensor k_begin;   // [S + 1], the last one unused where k_length says how many
    at::Tensor k_length;  // [S]; undefined: keys lie end to end, from k_begin to the next
    std::int64_t longest_q = 0, longest_k = 0;
  };
  OnDevice on_device;
};

// Each sequence attends to itself.
AttentionSpec self_attention(const std::vector<std::int64_t>& cu_seqlens, double scale);
AttentionSpec self_attention(const BatchTensors& batch, double scale);

Value attention(const Pass& pass, const Value& q, const Value& k, const Value& v, const AttentionSpec& spec);

struct AttentionForward {
  at::Tensor out;  // [Tq, H, D]
  at::Tensor lse;  // [Tq, H] log of the sum of exponentials, fp32 (fp64 for fp64 input); on CUDA as its
                   // kernel has it
  at::Tensor seed, offset;  // what a CUDA kernel hands to its backward
};
struct AttentionBackward {
  at::Tensor dq, dk, dv;
};
AttentionForward attention_forward_aten(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                        const AttentionSpec& spec);
AttentionForward attention_forward_cpu(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                       const AttentionSpec& spec);
AttentionBackward attention_backward_aten(const at::Tensor& d_out, const at::Tensor& q, const at::Tensor& k,
                                          const at::Tensor& v, const AttentionForward& forward,
                                          const AttentionSpec& spec);
AttentionBackward attention_backward_cpu(const at::Tensor& d_out, const at::Tensor& q, const at::Tensor& k,
                                         const at::Tensor& v, const AttentionForward& forward,
                                         const AttentionSpec& spec);

// The CPU's by a given unit for sequences of 16 queries and more in bf16, or by none.
AttentionForward attention_forward_by(Bf16Unit unit, const at::Tensor& q, const at::Tensor& k,
                                      const at::Tensor& v, const AttentionSpec& spec);
AttentionBackward attention_backward_by(Bf16Unit unit, const at::Tensor& d_out, const at::Tensor& q,
                                        const at::Tensor& k, const at::Tensor& v,
                                        const AttentionForward& forward, const AttentionSpec& spec);

// On a CUDA device (attention_on_cuda.cpp). Which kernel serves a type and head dimension; none: the ATen
// version.
enum class CudaAttention { flash, efficient, none };
CudaAttention cuda_attention(at::ScalarType type, std::int64_t dim);
// Within the 32-bit indices of the flash kernels' backward?
bool flash_attention_fits(std::int64_t tokens, std::int64_t sequences, std::int64_t heads, std::int64_t dim);
AttentionForward attention_forward_on_cuda(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                           const AttentionSpec& spec);
AttentionBackward attention_backward_on_cuda(const at::Tensor& d_out, const at::Tensor& q,
                                             const at::Tensor& k, const at::Tensor& v,
                                             const AttentionForward& forward, const AttentionSpec& spec);

}  // namespace hone::nn
