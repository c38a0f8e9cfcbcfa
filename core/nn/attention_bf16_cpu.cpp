// Attention on CPUs with bf16 arithmetic: as attention_cpu.cpp, but the products' factors are rounded to bf16, the
// probabilities and the scores' gradients among them, as the flash kernels of GPUs do it; sums and the softmax are fp32.
// Scores are held by key, a query a lane, so that they can be either factor of the next product as they lie. What
// is summed for a query is held transposed, [dim, lanes].
#include <ATen/ATen.h>

#include <cmath>

#include "core/nn/attention_pairs.h"
#include "core/nn/bf16_blocks.h"
#include "core/nn/cpu_math.h"
#include "core/nn/softmax_block.h"

namespace hone::nn {
namespace {

using c10::BFloat16;

constexpr std::int64_t kUnit = 32;  // bf16s that the products take at a time

// Rows of kBlock elements in planes, which hold a head's columns [kBlock plane, kBlock (plane + 1)).
template <class T>
class Planes {
 public:
  Planes(const AttentionProblem& p, std::int64_t rows)
      : planes_(p.planes()),
        height_(round_up(rows, kUnit)),
        memory_(at::empty({planes_ * height_ * kBlock * static_cast<std::int64_t>(sizeof(T))}, at::kByte)),
        data_(static_cast<T*>(memory_.mutable_data_ptr())) {}
  T* at(std::int64_t plane, std::int64_t row = 0) { return data_ + (plane * height_ + row) * kBlock; }
  void clear(std::int64_t begin, std::int64_t end) {
    for (std::int64_t plane = 0; plane < planes_; ++plane)
      std::fill(at(plane, begin), at(plane, end), T(0.0f));
  }

 private:
  std::int64_t planes_, height_;
  at::Tensor memory_;
  T* data_;
};
using Rows = Planes<BFloat16>;
using Pairs = Planes<Bf16Pair>;
using Sums = Planes<float>;

std::int64_t width_of(const AttentionProblem& p, std::int64_t plane) {
  return round_up(p.width(plane), kUnit);
}

void load(const AttentionProblem& p, std::int64_t row, const BFloat16* x, Rows& out) {
  for (std::int64_t plane = 0; plane < p.planes(); ++plane) {
    const std::int64_t width = p.width(plane);
    std::copy_n(x + plane * kBlock, width, out.at(plane, row));
    std::fill(out.at(plane, row) + width, out.at(plane, row) + width_of(p, plane), BFloat16(0.0f));
  }
}

void load_keys(const AttentionPair& pair, const BFloat16* x, Rows& out) {
  for_far_rows(
      x, pair.m, pair.p.dim, [&](std::int64_t t) { return pair.key_at(t); },
      [&](std::int64_t t, const BFloat16* row) { load(pair.p, t, row, out); });
  out.clear(pair.m, round_up(pair.m, kUnit));
}

void load_lanes(const AttentionPair& pair, const AttentionLanes& lanes, const BFloat16* x, Rows& out) {
  for_far_rows(
      x, lanes.count, pair.p.dim,
      [&](std::int64_t l) { return pair.token_and_head(lanes.first + l) * pair.p.dim; },
      [&](std::int64_t l, const BFloat16* row) { load(pair.p, l, row, out); });
  out.clear(lanes.count, lanes.width);
}

// A row of sums, multiplied by `factor`, to x.
void store(const AttentionProblem& p, Sums& sums, std::int64_t row, float factor, BFloat16* x) {
  for (std::int64_t plane = 0; plane < p.planes(); ++plane) {
    float* from = sums.at(plane, row);
    if (factor != 1.0f) scale(from, factor, p.width(plane));
    store_row(from, x + plane * kBlock, p.width(plane));
  }
}

void store_keys(const AttentionPair& pair, Sums& sums, float factor, BFloat16* x) {
  for (std::int64_t t = 0; t < pair.m; ++t) store(pair.p, sums, t, factor, x + pair.key_at(t));
}

// A block of keys' rows [kBlock keys, dim] as [dim, kBlock keys].
void transpose_keys(const AttentionPair& pair, Rows& keys, Rows& keys_t) {
  for (std::int64_t plane = 0; plane < pair.p.planes(); ++plane)
    for (std::int64_t key = 0; key < pair.m; key += kBlock)
      transpose_rows(keys.at(plane, key), std::min(kBlock, round_up(pair.m - key, kUnit)),
                     width_of(pair.p, plane), keys_t.at(plane, key));
}

void transpose_lanes(const AttentionProblem& p, const AttentionLanes& lanes, Rows& rows, Pairs& rows_t) {
  for (std::int64_t plane = 0; plane < p.planes(); ++plane)
    transpose_to_pairs(rows.at(plane), lanes.width, width_of(p, plane), rows_t.at(plane));
}

void pair_lanes(const AttentionProblem& p, const AttentionLanes& lanes, Rows& rows, Pairs& pairs) {
  for (std::int64_t plane = 0; plane < p.planes(); ++plane)
    pair_rows(rows.at(plane), lanes.width, width_of(p, plane), pairs.at(plane));
}

// [dim, lanes] as [lanes, dim].
void transpose_sums(const AttentionProblem& p, const AttentionLanes& lanes, Sums& sums_t, Sums& sums) {
  for (std::int64_t plane = 0; plane < p.planes(); ++plane)
    transpose_block(sums_t.at(plane), p.width(plane), lanes.width, sums.at(plane));
}

// What the sums of every lane are multiplied by.
HONE_CLONES void scale_lanes(const float* factors, std::int64_t lanes, std::int64_t rows, float* sums_t) {
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t l = 0; l < lanes; ++l) sums_t[r * kBlock + l] *= factors[l];
}

struct KeyBlock {
  std::int64_t key, count;
};

// scores [keys, lanes] = rows of keys times lanes.
void score_block(const Bf16Products& products, const AttentionProblem& p, Rows& keys, const KeyBlock& block,
                 Pairs& lanes_t, const AttentionLanes& lanes, float* scores) {
  for (std::int64_t plane = 0; plane < p.planes(); ++plane)
    products.multiply({block.count, lanes.width, width_of(p, plane), keys.at(plane, block.key),
                       lanes_t.at(plane), scores, plane > 0});
}

// sums_t [dim, lanes] += keys_t [dim, keys] times factors [keys, lanes].
void add_to_lanes(const Bf16Products& products, const AttentionProblem& p, Rows& keys_t,
                  const KeyBlock& block, const Bf16Pair* factors, const AttentionLanes& lanes, Sums& sums_t) {
  for (std::int64_t plane = 0; plane < p.planes(); ++plane)
    products.multiply({width_of(p, plane), lanes.width, block.count, keys_t.at(plane, block.key), factors,
                       sums_t.at(plane), true});
}

// sums [keys, dim] += factors [keys, lanes] times lanes [lanes, dim].
void add_to_keys(const Bf16Products& products, const AttentionProblem& p, const BFloat16* factors,
                 const KeyBlock& block, Pairs& rows, const AttentionLanes& lanes, Sums& sums) {
  for (std::int64_t plane = 0; plane < p.planes(); ++plane)
    products.multiply({block.count, width_of(p, plane), lanes.width, factors, rows.at(plane),
                       sums.at(plane, block.key), true});
}

// Of every lane: what forward left, and the sum over keys of p dp, which is d_out . out.
struct LaneSums {
  alignas(64) float lse[kBlock] = {}, delta[kBlock] = {};

  LaneSums(const AttentionPair& pair, const AttentionLanes& lanes, const AttentionBackwardArgs<BFloat16>& a,
           Rows& d_outs, Rows& outs) {
    alignas(64) float d_out[kBlock], out[kBlock];
    load_lanes(pair, lanes, a.out, outs);
    for (std::int64_t l = 0; l < lanes.count; ++l) {
      lse[l] = a.lse[pair.token_and_head(lanes.first + l)];
      for (std::int64_t plane = 0; plane < pair.p.planes(); ++plane) {
        const std::int64_t width = pair.p.width(plane);
        load_row(d_outs.at(plane, l), d_out, width);
        load_row(outs.at(plane, l), out, width);
        delta[l] += dot(d_out, out, width);
      }
    }
  }
};

}  // namespace

void forward_pair_by_unit(const AttentionPair& pair, const AttentionForwardArgs<BFloat16>& a, Bf16Unit unit) {
  const AttentionProblem& p = pair.p;
  const auto factor = static_cast<float>(p.spec.scale);
  Rows keys(p, pair.m), values(p, pair.m), values_t(p, round_up(pair.m, kBlock)), queries(p, kBlock);
  Pairs queries_t(p, kBlock / 2);
  Sums result_t(p, kBlock), result(p, kBlock);
  load_keys(pair, a.k, keys);
  load_keys(pair, a.v, values);
  transpose_keys(pair, values, values_t);
  const Bf16Products products(unit);
  alignas(64) float scores[kBlock * kBlock];
  alignas(64) Bf16Pair probs[kBlock / 2 * kBlock];
  for (std::int64_t first = 0; first < pair.rows(); first += kBlock) {
    const AttentionLanes lanes(pair, first, kUnit);
    load_lanes(pair, lanes, a.q, queries);
    transpose_lanes(p, lanes, queries, queries_t);
    result_t.clear(0, kBlock);
    RunningSoftmax softmax;
    lanes.for_key_blocks([&](std::int64_t key, std::int64_t count, const std::int32_t* seen) {
      const KeyBlock block{key, count};
      score_block(products, p, keys, block, queries_t, lanes, scores);
      softmax_step({scores, count, lanes.width, key, seen, factor}, softmax);
      products.round_to_pairs(scores, count, lanes.width, probs);
      if (key > 0)
        for (std::int64_t plane = 0; plane < p.planes(); ++plane)
          scale_lanes(softmax.correction, lanes.width, p.width(plane), result_t.at(plane));
      add_to_lanes(products, p, values_t, block, probs, lanes, result_t);
    });
    transpose_sums(p, lanes, result_t, result);
    for (std::int64_t l = 0; l < lanes.count; ++l) {
      const std::int64_t row = pair.token_and_head(first + l);
      const bool sees = lanes.seen[l] > 0;
      store(p, result, l, sees ? 1.0f / softmax.sum[l] : 0.0f, a.out + row * p.dim);
      a.lse[row] = sees ? softmax.top[l] + std::log(softmax.sum[l]) : 0.0f;
    }
  }
}

void backward_pair_by_unit(const AttentionPair& pair, const AttentionBackwardArgs<BFloat16>& a,
                           Bf16Unit unit) {
  const AttentionProblem& p = pair.p;
  const auto factor = static_cast<float>(p.spec.scale);
  Rows keys(p, pair.m), keys_t(p, round_up(pair.m, kBlock)), values(p, pair.m);
  Rows queries(p, kBlock), d_outs(p, kBlock);
  Pairs queries_t(p, kBlock / 2), query_pairs(p, kBlock / 2), d_outs_t(p, kBlock / 2),
      d_out_pairs(p, kBlock / 2);
  Sums d_keys(p, pair.m), d_values(p, pair.m), d_queries_t(p, kBlock), d_queries(p, kBlock);
  load_keys(pair, a.k, keys);
  load_keys(pair, a.v, values);
  transpose_keys(pair, keys, keys_t);
  d_keys.clear(0, round_up(pair.m, kUnit));
  d_values.clear(0, round_up(pair.m, kUnit));
  const Bf16Products products(unit);
  alignas(64) float probs[kBlock * kBlock], d_scores[kBlock * kBlock];
  alignas(64) BFloat16 rounded[kBlock * kBlock];
  alignas(64) Bf16Pair d_score_pairs[kBlock / 2 * kBlock];
  for (std::int64_t first = 0; first < pair.rows(); first += kBlock) {
    const AttentionLanes lanes(pair, first, kUnit);
    load_lanes(pair, lanes, a.d_out, d_outs);
    const LaneSums sums(pair, lanes, a, d_outs, /*outs=*/queries);
    load_lanes(pair, lanes, a.q, queries);
    transpose_lanes(p, lanes, queries, queries_t);
    transpose_lanes(p, lanes, d_outs, d_outs_t);
    pair_lanes(p, lanes, queries, query_pairs);
    pair_lanes(p, lanes, d_outs, d_out_pairs);
    d_queries_t.clear(0, kBlock);
    lanes.for_key_blocks([&](std::int64_t key, std::int64_t count, const std::int32_t* seen) {
      const KeyBlock block{key, count};
      score_block(products, p, keys, block, queries_t, lanes, probs);
      score_block(products, p, values, block, d_outs_t, lanes, d_scores);
      softmax_backward({probs, count, lanes.width, key, seen, factor}, sums.lse, sums.delta, d_scores);
      products.round(probs, count, lanes.width, rounded);
      add_to_keys(products, p, rounded, block, d_out_pairs, lanes, d_values);
      products.round(d_scores, count, lanes.width, rounded);
      add_to_keys(products, p, rounded, block, query_pairs, lanes, d_keys);
      products.round_to_pairs(d_scores, count, lanes.width, d_score_pairs);
      add_to_lanes(products, p, keys_t, block, d_score_pairs, lanes, d_queries_t);
    });
    transpose_sums(p, lanes, d_queries_t, d_queries);
    for (std::int64_t l = 0; l < lanes.count; ++l)
      store(p, d_queries, l, factor, a.dq + pair.token_and_head(first + l) * p.dim);
  }
  store_keys(pair, d_keys, factor, a.dk);
  store_keys(pair, d_values, 1.0f, a.dv);
}

}  // namespace hone::nn
