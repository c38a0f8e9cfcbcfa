// Attention on CPUs: for each (sequence, key head) the keys and values are laid out once as fp32, then blocks of
// queries go through small register-tiled products; no [n, m] matrix larger than a block is ever held.
#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <new>

#include "core/nn/attention.h"
#include "core/nn/cpu_rows.h"
#include "core/nn/small_gemm.h"

namespace hone::nn {
namespace {

constexpr std::int64_t kQueryBlock = 64;

// Floats that begin with a cache line: loads of sixteen then never cross from one line into the next.
template <class T>
struct LineAligned {
  using value_type = T;
  static constexpr std::align_val_t kLine{64};
  T* allocate(std::size_t n) { return static_cast<T*>(::operator new(n * sizeof(T), kLine)); }
  void deallocate(T* data, std::size_t) { ::operator delete(data, kLine); }
  bool operator==(const LineAligned&) const = default;
};
using Floats = std::vector<float, LineAligned<float>>;

std::int64_t padded(std::int64_t n) { return (n + 15) / 16 * 16; }

// Row length of a matrix with a column for each of n keys: an odd number of cache lines, so that a column's elements
// do not all fall into the same few sets of the cache.
std::int64_t key_stride(std::int64_t n) { return padded(n) | 16; }

struct Problem {
  const AttentionSpec& spec;
  std::int64_t heads, key_heads, dim;
  std::int64_t group() const { return heads / key_heads; }
  std::int64_t wide() const { return padded(dim); }
};

struct SequenceSpan {
  std::int64_t q0, n, k0, m;
  // How many keys query i sees.
  std::int64_t visible(const AttentionSpec& spec, std::int64_t i) const {
    return spec.causal ? std::max<std::int64_t>(0, m - n + i + 1) : m;
  }
};

// The rows [begin, begin + n) of one head as fp32 [n, padded(dim)].
template <class T>
void gather_head(const T* x, std::int64_t begin, std::int64_t n, std::int64_t heads, std::int64_t head,
                 std::int64_t dim, Floats& out) {
  const std::int64_t wide = padded(dim);
  out.assign(n * wide, 0.0f);
  for (std::int64_t t = 0; t < n; ++t) load_row(x + ((begin + t) * heads + head) * dim, &out[t * wide], dim);
}

// Transposed to [padded(dim), key_stride(n)].
Floats transposed(const Floats& rows, std::int64_t n, std::int64_t wide) {
  const std::int64_t width = key_stride(n);
  Floats out(wide * width, 0.0f);
  for (std::int64_t t = 0; t < n; ++t)
    for (std::int64_t d = 0; d < wide; ++d) out[d * width + t] = rows[t * wide + d];
  return out;
}

template <class T>
void scatter_head(const float* rows, std::int64_t begin, std::int64_t n, std::int64_t heads, std::int64_t head,
                  std::int64_t dim, T* x) {
  const std::int64_t wide = padded(dim);
  for (std::int64_t t = 0; t < n; ++t) store_row(rows + t * wide, x + ((begin + t) * heads + head) * dim, dim);
}

// body(sequence, key head) for all pairs, in parallel: no two pairs write the same element.
template <class Body>
void for_pairs(const Problem& p, Body&& body) {
  const auto sequences = static_cast<std::int64_t>(p.spec.cu_q.size()) - 1;
  at::parallel_for(0, sequences * p.key_heads, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t pair = begin; pair < end; ++pair) {
      const std::int64_t s = pair / p.key_heads;
      const SequenceSpan span{p.spec.cu_q[s], p.spec.cu_q[s + 1] - p.spec.cu_q[s], p.spec.k_begin[s],
                              p.spec.k_length[s]};
      if (span.n > 0 && span.m > 0) body(span, pair % p.key_heads);
    }
  });
}

// scores [rows, width] of queries [i0, i0 + rows) against keys^T, columns beyond `columns` untouched.
void scores_block(const Problem& p, const float* queries, const Floats& keys_t, std::int64_t width,
                  std::int64_t columns, std::int64_t rows, float* scores) {
  small_gemm({rows, columns, p.wide(), queries, p.wide(), 1, keys_t.data(), width, scores, width});
}

template <class T>
void forward_pair(const Problem& p, const SequenceSpan& span, std::int64_t key_head, const T* q, const T* k,
                  const T* v, T* out, float* lse) {
  const std::int64_t width = key_stride(span.m), wide = p.wide();
  Floats keys, values, queries;
  gather_head(k, span.k0, span.m, p.key_heads, key_head, p.dim, keys);
  gather_head(v, span.k0, span.m, p.key_heads, key_head, p.dim, values);
  const Floats keys_t = transposed(keys, span.m, wide);
  Floats scores(kQueryBlock * width), result(kQueryBlock * wide);
  for (std::int64_t head = key_head * p.group(); head < (key_head + 1) * p.group(); ++head) {
    gather_head(q, span.q0, span.n, p.heads, head, p.dim, queries);
    scale(queries.data(), static_cast<float>(p.spec.scale), span.n * wide);
    for (std::int64_t i0 = 0; i0 < span.n; i0 += kQueryBlock) {
      const std::int64_t rows = std::min(kQueryBlock, span.n - i0);
      const std::int64_t columns = padded(span.visible(p.spec, i0 + rows - 1));
      scores_block(p, &queries[i0 * wide], keys_t, width, columns, rows, scores.data());
      for (std::int64_t r = 0; r < rows; ++r) {
        float* row = &scores[r * width];
        const std::int64_t seen = span.visible(p.spec, i0 + r);
        const float top = seen > 0 ? max_of(row, seen) : 0.0f;
        const float sum = seen > 0 ? exp_and_sum(row, top, seen) : 1.0f;
        scale(row, 1.0f / sum, seen);
        std::fill(row + seen, row + columns, 0.0f);
        lse[(span.q0 + i0 + r) * p.heads + head] = top + std::log(sum);
      }
      small_gemm({rows, wide, std::min(columns, span.m), scores.data(), width, 1, values.data(), wide,
                  result.data(), wide});
      scatter_head(result.data(), span.q0 + i0, rows, p.heads, head, p.dim, out);
    }
  }
}

template <class T>
struct BackwardArgs {
  const T *d_out, *q, *k, *v, *out;
  const float* lse;
  T *dq, *dk, *dv;
};

template <class T>
void backward_pair(const Problem& p, const SequenceSpan& span, std::int64_t key_head, const BackwardArgs<T>& a) {
  const std::int64_t width = key_stride(span.m), wide = p.wide();
  const float factor = static_cast<float>(p.spec.scale);
  Floats keys, values, queries, d_outs, outs;
  gather_head(a.k, span.k0, span.m, p.key_heads, key_head, p.dim, keys);
  gather_head(a.v, span.k0, span.m, p.key_heads, key_head, p.dim, values);
  const Floats keys_t = transposed(keys, span.m, wide), values_t = transposed(values, span.m, wide);
  Floats probs(kQueryBlock * width), d_scores(kQueryBlock * width), d_query(kQueryBlock * wide);
  Floats d_keys(span.m * wide, 0.0f), d_values(span.m * wide, 0.0f);
  for (std::int64_t head = key_head * p.group(); head < (key_head + 1) * p.group(); ++head) {
    gather_head(a.q, span.q0, span.n, p.heads, head, p.dim, queries);
    gather_head(a.d_out, span.q0, span.n, p.heads, head, p.dim, d_outs);
    gather_head(a.out, span.q0, span.n, p.heads, head, p.dim, outs);
    scale(queries.data(), factor, span.n * wide);
    for (std::int64_t i0 = 0; i0 < span.n; i0 += kQueryBlock) {
      const std::int64_t rows = std::min(kQueryBlock, span.n - i0);
      const std::int64_t columns = padded(span.visible(p.spec, i0 + rows - 1));
      const std::int64_t keys_seen = std::min(columns, span.m);
      scores_block(p, &queries[i0 * wide], keys_t, width, columns, rows, probs.data());
      scores_block(p, &d_outs[i0 * wide], values_t, width, columns, rows, d_scores.data());
      for (std::int64_t r = 0; r < rows; ++r) {
        const std::int64_t at = (i0 + r) * wide, seen = span.visible(p.spec, i0 + r);
        float* prob = &probs[r * width];
        float* ds = &d_scores[r * width];
        exp_and_sum(prob, a.lse[(span.q0 + i0 + r) * p.heads + head], seen);
        const float delta = dot(&d_outs[at], &outs[at], wide);  // equals sum over keys of p dp
        for (std::int64_t j = 0; j < seen; ++j) ds[j] = prob[j] * (ds[j] - delta);
        std::fill(prob + seen, prob + columns, 0.0f);
        std::fill(ds + seen, ds + columns, 0.0f);
      }
      small_gemm({keys_seen, wide, rows, probs.data(), 1, width, &d_outs[i0 * wide], wide, d_values.data(), wide, true});
      small_gemm({keys_seen, wide, rows, d_scores.data(), 1, width, &queries[i0 * wide], wide, d_keys.data(), wide, true});
      small_gemm({rows, wide, keys_seen, d_scores.data(), width, 1, keys.data(), wide, d_query.data(), wide});
      scale(d_query.data(), factor, rows * wide);
      scatter_head(d_query.data(), span.q0 + i0, rows, p.heads, head, p.dim, a.dq);
    }
  }
  scatter_head(d_keys.data(), span.k0, span.m, p.key_heads, key_head, p.dim, a.dk);
  scatter_head(d_values.data(), span.k0, span.m, p.key_heads, key_head, p.dim, a.dv);
}

}  // namespace

AttentionForward attention_forward_cpu(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                       const AttentionSpec& spec) {
  const Problem problem{spec, q.size(1), k.size(1), q.size(2)};
  AttentionForward forward{
      at::empty_like(q), at::empty({q.size(0), q.size(1)}, q.options().dtype(at::kFloat)), {}, {}};
  with_element_type(q, [&]<class T>(T*) {
    for_pairs(problem, [&](const SequenceSpan& span, std::int64_t key_head) {
      forward_pair<T>(problem, span, key_head, q.const_data_ptr<T>(), k.const_data_ptr<T>(), v.const_data_ptr<T>(),
                      forward.out.mutable_data_ptr<T>(), forward.lse.mutable_data_ptr<float>());
    });
  });
  return forward;
}

AttentionBackward attention_backward_cpu(const at::Tensor& d_out, const at::Tensor& q, const at::Tensor& k,
                                         const at::Tensor& v, const AttentionForward& forward,
                                         const AttentionSpec& spec) {
  const Problem problem{spec, q.size(1), k.size(1), q.size(2)};
  AttentionBackward d{at::empty_like(q), at::empty_like(k), at::empty_like(v)};
  with_element_type(q, [&]<class T>(T*) {
    const BackwardArgs<T> args{d_out.const_data_ptr<T>(),       q.const_data_ptr<T>(),
                               k.const_data_ptr<T>(),           v.const_data_ptr<T>(),
                               forward.out.const_data_ptr<T>(), forward.lse.const_data_ptr<float>(),
                               d.dq.mutable_data_ptr<T>(),      d.dk.mutable_data_ptr<T>(),
                               d.dv.mutable_data_ptr<T>()};
    for_pairs(problem, [&](const SequenceSpan& span, std::int64_t key_head) {
      backward_pair<T>(problem, span, key_head, args);
    });
  });
  return d;
}

}  // namespace hone::nn
