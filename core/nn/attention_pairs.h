#pragma once
// How attention on CPUs is cut: a pair is one sequence and one key head; its rows are the queries of the group's heads,
// one head after another. Up to 64 rows, each a lane, meet blocks of 64 keys.
#include <ATen/Parallel.h>

#include <algorithm>

#include "core/nn/attention.h"
#include "core/nn/bf16_blocks.h"

namespace hone::nn {

constexpr std::int64_t round_up(std::int64_t n, std::int64_t unit) { return (n + unit - 1) / unit * unit; }

struct AttentionProblem {
  const AttentionSpec& spec;
  std::int64_t heads, key_heads, dim;
  std::int64_t group() const { return heads / key_heads; }
  std::int64_t planes() const { return (dim + kBlock - 1) / kBlock; }  // a head's columns, kBlock at a time
  std::int64_t width(std::int64_t plane) const { return std::min(kBlock, dim - plane * kBlock); }
};

struct AttentionPair {
  const AttentionProblem& p;
  std::int64_t q0, n, k0, m, key_head;
  std::int64_t rows() const { return p.group() * n; }
  std::int64_t token_and_head(std::int64_t row) const {
    return (q0 + row % n) * p.heads + key_head * p.group() + row / n;
  }
  std::int64_t visible(std::int64_t row) const {
    return p.spec.causal ? std::max<std::int64_t>(0, m - n + row % n + 1) : m;
  }
  std::int64_t key_at(std::int64_t t) const { return ((k0 + t) * p.key_heads + key_head) * p.dim; }
};

// Lanes and keys are counted up to a multiple of `unit`.
struct AttentionLanes {
  std::int64_t first, count, unit, width;  // width: count rounded up
  std::int64_t most_seen = 0, least_seen;
  alignas(64) std::int32_t seen[kBlock];

  AttentionLanes(const AttentionPair& pair, std::int64_t first, std::int64_t unit)
      : first(first),
        count(std::min(kBlock, pair.rows() - first)),
        unit(unit),
        width(round_up(count, unit)),
        least_seen(pair.m) {
    for (std::int64_t l = 0; l < kBlock; ++l) {
      const std::int64_t keys = l < count ? pair.visible(first + l) : pair.m;
      seen[l] = static_cast<std::int32_t>(keys);
      least_seen = std::min(least_seen, keys);
      if (l < count) most_seen = std::max(most_seen, keys);
    }
  }
  // body(first key, keys, what hides some of them from a lane or null)
  template <class Body>
  void for_key_blocks(Body&& body) const {
    for (std::int64_t key = 0; key < most_seen; key += kBlock) {
      const std::int64_t keys = std::min(kBlock, round_up(most_seen - key, unit));
      body(key, keys, least_seen < key + keys ? seen : nullptr);
    }
  }
};

template <class T>
struct AttentionForwardArgs {
  const T *q, *k, *v;
  T* out;
  float* lse;
};

template <class T>
struct AttentionBackwardArgs {
  const T *d_out, *q, *k, *v, *out;
  const float* lse;
  T *dq, *dk, *dv;
};

// A pair by the processor's bf16 instructions (attention_bf16_cpu.cpp).
void forward_pair_by_unit(const AttentionPair& pair, const AttentionForwardArgs<c10::BFloat16>& a,
                          Bf16Unit unit);
void backward_pair_by_unit(const AttentionPair& pair, const AttentionBackwardArgs<c10::BFloat16>& a,
                           Bf16Unit unit);

// body(pair) for all, in parallel: no two pairs write the same element.
template <class Body>
void for_pairs(const AttentionProblem& p, Body&& body) {
  const auto sequences = static_cast<std::int64_t>(p.spec.cu_q.size()) - 1;
  at::parallel_for(0, sequences * p.key_heads, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t s = i / p.key_heads;
      const AttentionPair pair{p,
                               p.spec.cu_q[s],
                               p.spec.cu_q[s + 1] - p.spec.cu_q[s],
                               p.spec.k_begin[s],
                               p.spec.k_length[s],
                               i % p.key_heads};
      if (pair.n > 0 && pair.m > 0) body(pair);
    }
  });
}

// Rows of a head lie far apart in q, k and v: each is asked for some rows before it is read.
constexpr std::int64_t kRowsAhead = 8;

// body(row, x's row at(row)) for `rows` of them.
template <class T, class At, class Body>
void for_far_rows(const T* x, std::int64_t rows, std::int64_t dim, At&& at, Body&& body) {
  constexpr std::int64_t kLine = 64 / sizeof(T);
  for (std::int64_t r = 0; r < rows; ++r) {
    if (r + kRowsAhead < rows)
      for (std::int64_t i = 0; i < dim; i += kLine) __builtin_prefetch(x + at(r + kRowsAhead) + i);
    body(r, x + at(r));
  }
}

}  // namespace hone::nn
