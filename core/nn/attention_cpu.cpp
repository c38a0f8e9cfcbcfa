// Attention on CPUs. For each (sequence, key head) the keys and values are laid out once as fp32; then blocks
// of 64 queries meet blocks of 64 keys, with a running softmax, so that all that a product touches stays in
// cache. Scores are held by key, a query a lane: the softmax runs down the lanes, and no operand has to be
// transposed for a product.
#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "core/nn/attention_pairs.h"
#include "core/nn/cpu_rows.h"
#include "core/nn/softmax_block.h"

namespace hone::nn {
namespace {

constexpr std::int64_t kUnit = 16;  // floats that the products take at a time

std::int64_t padded(std::int64_t n) { return round_up(n, kUnit); }

// fp32 rows of a head, cut into planes of kBlock columns. Rows and columns are zero up to a multiple of 16.
class Rows {
 public:
  Rows(const AttentionProblem& p, std::int64_t rows)
      : p_(p),
        height_(padded(rows)),
        memory_(at::empty({p.planes() * height_ * kBlock}, at::kFloat)),
        data_(memory_.mutable_data_ptr<float>()) {}
  float* at(std::int64_t plane, std::int64_t row) { return data_ + (plane * height_ + row) * kBlock; }

  template <class T>
  void load(std::int64_t row, const T* x) {
    for (std::int64_t plane = 0; plane < p_.planes(); ++plane) {
      const std::int64_t width = p_.width(plane);
      load_row(x + plane * kBlock, at(plane, row), width);
      std::fill(at(plane, row) + width, at(plane, row) + padded(width), 0.0f);
    }
  }
  template <class T>
  void store(std::int64_t row, T* x) {
    for (std::int64_t plane = 0; plane < p_.planes(); ++plane)
      store_row(at(plane, row), x + plane * kBlock, p_.width(plane));
  }
  void multiply(std::int64_t row, float factor) {
    for (std::int64_t plane = 0; plane < p_.planes(); ++plane)
      scale(at(plane, row), factor, padded(p_.width(plane)));
  }
  void clear(std::int64_t begin, std::int64_t end) {
    for (std::int64_t plane = 0; plane < p_.planes(); ++plane)
      std::fill(at(plane, begin), at(plane, end), 0.0f);
  }
  // This as [64, rows] in each plane.
  void transpose_to(Rows& other, std::int64_t rows) {
    for (std::int64_t plane = 0; plane < p_.planes(); ++plane)
      transpose_block(at(plane, 0), rows, padded(p_.width(plane)), other.at(plane, 0));
  }

 private:
  const AttentionProblem& p_;
  std::int64_t height_;
  at::Tensor memory_;
  float* data_;
};

template <class T>
void load_keys(const AttentionPair& pair, const T* x, Rows& out) {
  for_far_rows(
      x, pair.m, pair.p.dim, [&](std::int64_t t) { return pair.key_at(t); },
      [&](std::int64_t t, const T* row) { out.load(t, row); });
  out.clear(pair.m, padded(pair.m));
}

template <class T>
void store_keys(const AttentionPair& pair, Rows& from, T* x) {
  for (std::int64_t t = 0; t < pair.m; ++t) from.store(t, x + pair.key_at(t));
}

// Rows of x, multiplied by `factor`, as lanes.
template <class T>
void load_lanes(const AttentionPair& pair, const AttentionLanes& lanes, const T* x, float factor, Rows& out) {
  for_far_rows(
      x, lanes.count, pair.p.dim,
      [&](std::int64_t l) { return pair.token_and_head(lanes.first + l) * pair.p.dim; },
      [&](std::int64_t l, const T* row) {
        out.load(l, row);
        if (factor != 1.0f) out.multiply(l, factor);
      });
  out.clear(lanes.count, lanes.width);
}

// scores [keys, lanes] = rows of keys times lanes.
void score_block(const AttentionProblem& p, Rows& keys, std::int64_t key, std::int64_t count, Rows& lanes_t,
                 const AttentionLanes& lanes, float* scores) {
  for (std::int64_t plane = 0; plane < p.planes(); ++plane)
    block_gemm({count, lanes.width, padded(p.width(plane)), keys.at(plane, key), false, lanes_t.at(plane, 0),
                scores, plane > 0});
}

template <class T>
void forward_pair(const AttentionPair& pair, const AttentionForwardArgs<T>& a) {
  const AttentionProblem& p = pair.p;
  Rows keys(p, pair.m), values(p, pair.m), queries(p, kBlock), queries_t(p, kBlock), result(p, kBlock);
  load_keys(pair, a.k, keys);
  load_keys(pair, a.v, values);
  alignas(64) float scores[kBlock * kBlock];
  for (std::int64_t first = 0; first < pair.rows(); first += kBlock) {
    const AttentionLanes lanes(pair, first, kUnit);
    load_lanes(pair, lanes, a.q, static_cast<float>(p.spec.scale), queries);
    queries.transpose_to(queries_t, lanes.width);
    result.clear(0, lanes.width);
    RunningSoftmax softmax;
    lanes.for_key_blocks([&](std::int64_t key, std::int64_t count, const std::int32_t* seen) {
      score_block(p, keys, key, count, queries_t, lanes, scores);
      softmax_step({scores, count, lanes.width, key, seen}, softmax);
      if (key > 0)
        for (std::int64_t l = 0; l < lanes.count; ++l) result.multiply(l, softmax.correction[l]);
      for (std::int64_t plane = 0; plane < p.planes(); ++plane)
        block_gemm({lanes.width, padded(p.width(plane)), count, scores, true, values.at(plane, key),
                    result.at(plane, 0), true});
    });
    for (std::int64_t l = 0; l < lanes.count; ++l) {
      const std::int64_t row = pair.token_and_head(first + l);
      const bool sees = lanes.seen[l] > 0;
      result.multiply(l, sees ? 1.0f / softmax.sum[l] : 0.0f);
      result.store(l, a.out + row * p.dim);
      a.lse[row] = sees ? softmax.top[l] + std::log(softmax.sum[l]) : 0.0f;
    }
  }
}

template <class T>
void backward_pair(const AttentionPair& pair, const AttentionBackwardArgs<T>& a) {
  const AttentionProblem& p = pair.p;
  const float factor = static_cast<float>(p.spec.scale);
  Rows keys(p, pair.m), values(p, pair.m), d_keys(p, pair.m), d_values(p, pair.m);
  Rows queries(p, kBlock), queries_t(p, kBlock), d_outs(p, kBlock), d_outs_t(p, kBlock), d_queries(p, kBlock);
  load_keys(pair, a.k, keys);
  load_keys(pair, a.v, values);
  d_keys.clear(0, padded(pair.m));
  d_values.clear(0, padded(pair.m));
  alignas(64) float probs[kBlock * kBlock], d_scores[kBlock * kBlock], lse[kBlock], delta[kBlock];
  for (std::int64_t first = 0; first < pair.rows(); first += kBlock) {
    const AttentionLanes lanes(pair, first, kUnit);
    std::fill(lse, lse + kBlock, 0.0f);
    std::fill(delta, delta + kBlock, 0.0f);
    load_lanes(pair, lanes, a.out, 1.0f, queries);  // where the queries will be
    load_lanes(pair, lanes, a.d_out, 1.0f, d_outs);
    for (std::int64_t l = 0; l < lanes.count; ++l) {
      lse[l] = a.lse[pair.token_and_head(first + l)];
      for (std::int64_t plane = 0; plane < p.planes(); ++plane)  // equals the sum over keys of p dp
        delta[l] += dot(d_outs.at(plane, l), queries.at(plane, l), p.width(plane));
    }
    load_lanes(pair, lanes, a.q, factor, queries);
    queries.transpose_to(queries_t, lanes.width);
    d_outs.transpose_to(d_outs_t, lanes.width);
    d_queries.clear(0, lanes.width);
    lanes.for_key_blocks([&](std::int64_t key, std::int64_t count, const std::int32_t* seen) {
      score_block(p, keys, key, count, queries_t, lanes, probs);
      score_block(p, values, key, count, d_outs_t, lanes, d_scores);
      softmax_backward({probs, count, lanes.width, key, seen}, lse, delta, d_scores);
      for (std::int64_t plane = 0; plane < p.planes(); ++plane) {
        const std::int64_t width = padded(p.width(plane));
        block_gemm(
            {count, width, lanes.width, probs, false, d_outs.at(plane, 0), d_values.at(plane, key), true});
        block_gemm(
            {count, width, lanes.width, d_scores, false, queries.at(plane, 0), d_keys.at(plane, key), true});
        block_gemm(
            {lanes.width, width, count, d_scores, true, keys.at(plane, key), d_queries.at(plane, 0), true});
      }
    });
    for (std::int64_t l = 0; l < lanes.count; ++l) {
      d_queries.multiply(l, factor);
      d_queries.store(l, a.dq + pair.token_and_head(first + l) * p.dim);
    }
  }
  store_keys(pair, d_keys, a.dk);
  store_keys(pair, d_values, a.dv);
}

// Fewer queries cost more to lay out for the processor's bf16 instructions than their products save.
bool is_worth_unit(const AttentionPair& pair, Bf16Unit unit) {
  constexpr std::int64_t kLeastQueries = 16;
  return unit != Bf16Unit::none && pair.n >= kLeastQueries;
}

}  // namespace

AttentionForward attention_forward_by(Bf16Unit unit, const at::Tensor& q, const at::Tensor& k,
                                      const at::Tensor& v, const AttentionSpec& spec) {
  const AttentionProblem problem{spec, q.size(1), k.size(1), q.size(2)};
  AttentionForward forward{
      at::empty_like(q), at::empty({q.size(0), q.size(1)}, q.options().dtype(at::kFloat)), {}, {}};
  with_element_type(q, [&]<class T>(T*) {
    const AttentionForwardArgs<T> args{q.const_data_ptr<T>(), k.const_data_ptr<T>(), v.const_data_ptr<T>(),
                                       forward.out.mutable_data_ptr<T>(),
                                       forward.lse.mutable_data_ptr<float>()};
    for_pairs(problem, [&](const AttentionPair& pair) {
      if constexpr (std::is_same_v<T, c10::BFloat16>)
        if (is_worth_unit(pair, unit)) return forward_pair_by_unit(pair, args, unit);
      forward_pair(pair, args);
    });
  });
  return forward;
}

AttentionBackward attention_backward_by(Bf16Unit unit, const at::Tensor& d_out, const at::Tensor& q,
                                        const at::Tensor& k, const at::Tensor& v,
                                        const AttentionForward& forward, const AttentionSpec& spec) {
  const AttentionProblem problem{spec, q.size(1), k.size(1), q.size(2)};
  AttentionBackward d{at::empty_like(q), at::empty_like(k), at::empty_like(v)};
  with_element_type(q, [&]<class T>(T*) {
    const AttentionBackwardArgs<T> args{
        d_out.const_data_ptr<T>(),  q.const_data_ptr<T>(),           k.const_data_ptr<T>(),
        v.const_data_ptr<T>(),      forward.out.const_data_ptr<T>(), forward.lse.const_data_ptr<float>(),
        d.dq.mutable_data_ptr<T>(), d.dk.mutable_data_ptr<T>(),      d.dv.mutable_data_ptr<T>()};
    for_pairs(problem, [&](const AttentionPair& pair) {
      if constexpr (std::is_same_v<T, c10::BFloat16>)
        if (is_worth_unit(pair, unit)) return backward_pair_by_unit(pair, args, unit);
      backward_pair(pair, args);
    });
  });
  return d;
}

AttentionForward attention_forward_cpu(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                       const AttentionSpec& spec) {
  return attention_forward_by(bf16_unit(), q, k, v, spec);
}

AttentionBackward attention_backward_cpu(const at::Tensor& d_out, const at::Tensor& q, const at::Tensor& k,
                                         const at::Tensor& v, const AttentionForward& forward,
                                         const AttentionSpec& spec) {
  return attention_backward_by(bf16_unit(), d_out, q, k, v, forward, spec);
}

}  // namespace hone::nn
