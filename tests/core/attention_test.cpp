// Attention: backward against autograd in fp64, the CPU kernel against the ATen version.
#include "core/nn/attention.h"

#include <ATen/Context.h>

#include <cmath>

#include "core/base/error.h"
#include "core/nn/bf16_blocks.h"
#include "tests/core/autograd.h"
#include "tests/core/nn_support.h"

namespace hone::test {
namespace {

struct Shape {
  std::vector<std::int64_t> queries, keys;  // lengths by sequence
  std::int64_t heads, key_heads, dim;
  bool causal = true;
};

std::vector<std::int64_t> cumulative(const std::vector<std::int64_t>& lengths) {
  std::vector<std::int64_t> cu{0};
  for (const std::int64_t n : lengths) cu.push_back(cu.back() + n);
  return cu;
}

nn::AttentionSpec spec_of(const Shape& shape) {
  nn::AttentionSpec spec;
  spec.cu_q = cumulative(shape.queries);
  const std::vector<std::int64_t> cu_k = cumulative(shape.keys);
  spec.k_begin.assign(cu_k.begin(), cu_k.end() - 1);
  spec.k_length = shape.keys;
  spec.causal = shape.causal;
  spec.scale = 0.37;
  return spec;
}

// Head by head, sequence by sequence, from the definition.
at::Tensor reference(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                     const nn::AttentionSpec& spec) {
  const std::int64_t group = q.size(1) / k.size(1);
  std::vector<at::Tensor> sequences;
  for (std::size_t s = 0; s + 1 < spec.cu_q.size(); ++s) {
    const std::int64_t n = spec.cu_q[s + 1] - spec.cu_q[s], m = spec.k_length[s];
    std::vector<at::Tensor> heads;
    for (std::int64_t h = 0; h < q.size(1); ++h) {
      const at::Tensor qs = q.narrow(0, spec.cu_q[s], n).select(1, h);
      const at::Tensor ks = k.narrow(0, spec.k_begin[s], m).select(1, h / group);
      const at::Tensor vs = v.narrow(0, spec.k_begin[s], m).select(1, h / group);
      at::Tensor scores = at::mm(qs, ks.t()) * spec.scale;
      if (spec.causal) {
        const at::Tensor hidden = at::ones({n, m}, at::kBool).triu(m - n + 1);
        scores = scores.masked_fill(hidden, -std::numeric_limits<double>::infinity());
      }
      heads.push_back(at::mm(at::softmax(scores, -1), vs));
    }
    sequences.push_back(at::stack(heads, 1));
  }
  return at::cat(sequences);
}

// Where a query sees one key, dq and dk are zero but for the rounding of terms of size one.
double gradient_error(const at::Tensor& a, const at::Tensor& b) {
  const double size = std::max(1.0, b.abs().max().item<double>());
  return (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>() / size;
}

struct Inputs {
  at::Tensor q, k, v, d_out;
  Inputs(const Shape& shape, at::ScalarType type) {
    const std::int64_t n = cumulative(shape.queries).back(), m = cumulative(shape.keys).back();
    q = random({n, shape.heads, shape.dim}, type), k = random({m, shape.key_heads, shape.dim}, type);
    v = random({m, shape.key_heads, shape.dim}, type), d_out = random({n, shape.heads, shape.dim}, type);
  }
};

}  // namespace

TEST(Attention, BackwardEqualsAutograd) {
  at::manual_seed(11);
  const std::vector<Shape> shapes = {
      {{1}, {1}, 1, 1, 4},
      {{7, 1, 12}, {7, 1, 12}, 4, 2, 6},  // packed, grouped
      {{5, 3}, {5, 3}, 6, 1, 4},          // all heads on one key head
      {{2, 9, 1}, {5, 9, 4}, 4, 2, 6},    // more keys than queries: aligned at the bottom right
      {{4, 6}, {3, 8}, 2, 2, 4, /*causal=*/false},
  };
  for (const Shape& shape : shapes) {
    const Inputs in(shape, at::kDouble);
    const nn::AttentionSpec spec = spec_of(shape);
    const at::Tensor q = leaf(in.q), k = leaf(in.k), v = leaf(in.v);
    const at::Tensor out = reference(q, k, v, spec);
    const auto expected = autograd({out}, {in.d_out}, {q, k, v});
    TapeRun run;
    TestSink sink;
    const nn::Value a = run.watch(q), b = run.watch(k), c = run.watch(v);
    const nn::Value y = nn::attention(run.pass(), a, b, c, spec);
    EXPECT_LT(error(y.tensor, out), kDoubleTolerance);
    run.play({{y, in.d_out}}, sink);
    EXPECT_LT(error(run.gradient(a), expected[0]), kDoubleTolerance);
    EXPECT_LT(error(run.gradient(b), expected[1]), kDoubleTolerance);
    EXPECT_LT(error(run.gradient(c), expected[2]), kDoubleTolerance);
  }
}

// 64 queries make a block and 16 floats or 32 bf16s a vector: lengths and widths on both sides of each.
const std::vector<Shape> kBlockShapes = {
    {{1}, {1}, 2, 1, 16},
    {{17, 1, 64}, {17, 1, 64}, 4, 2, 80},
    {{65, 3}, {65, 3}, 3, 3, 64},
    {{130}, {130}, 2, 1, 16},
    {{3, 70, 1}, {40, 70, 33}, 4, 2, 10},
    {{9, 66}, {5, 31}, 2, 2, 16, /*causal=*/false},
    {{15}, {130}, 6, 1, 128},
    {{33}, {200}, 2, 2, 96, /*causal=*/false},
};

// None, which multiplies in fp32, and whatever there is.
std::vector<nn::Bf16Unit> units_and_none() {
  std::vector<nn::Bf16Unit> units = nn::usable_bf16_units();
  units.push_back(nn::Bf16Unit::none);
  return units;
}

// Tensors that are not written yet hold NaN while this lives.
class NothingIsZero {
 public:
  NothingIsZero() { set(true); }
  ~NothingIsZero() { set(false); }

 private:
  static void set(bool on) {
    at::globalContext().setDeterministicAlgorithms(on, /*warn_only=*/true);
    at::globalContext().setDeterministicFillUninitializedMemory(on);
  }
};

TEST(Attention, CpuKernelsEqualAten) {
  at::manual_seed(12);
  const NothingIsZero guard;
  for (const Shape& shape : kBlockShapes) {
    for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
      const Inputs in(shape, type);
      const nn::AttentionSpec spec = spec_of(shape);
      const auto a = nn::attention_forward_aten(in.q, in.k, in.v, spec);
      const auto da = nn::attention_backward_aten(in.d_out, in.q, in.k, in.v, a, spec);
      for (const nn::Bf16Unit unit : units_and_none()) {
        const auto b = nn::attention_forward_by(unit, in.q, in.k, in.v, spec);
        EXPECT_LT(error(b.lse, a.lse), 2e-6);
        EXPECT_LT(error(b.out, a.out), type == at::kFloat ? 5e-6 : kBf16Tolerance);
        const auto db = nn::attention_backward_by(unit, in.d_out, in.q, in.k, in.v, b, spec);
        // In bf16 the kernel's sum over keys of p dp comes from the rounded output: two roundings. Units round
        // probabilities and the gradients of scores too.
        const double tolerance = type == at::kFloat ? 1e-5 : 2 * kBf16Tolerance;
        EXPECT_LT(gradient_error(db.dq, da.dq), tolerance);
        EXPECT_LT(gradient_error(db.dk, da.dk), tolerance);
        EXPECT_LT(gradient_error(db.dv, da.dv), tolerance);
      }
    }
  }
}

// Beside a query without keys there are such with some; ATen's version gives NaN for the former.
TEST(Attention, QueriesThatSeeNoKeyGiveAndGetNothing) {
  at::manual_seed(15);
  const Shape shape{{70, 2}, {40, 2}, 4, 2, 128};
  for (const double scale : {0.37, 1 / std::sqrt(128.0)}) {
    const Inputs in(shape, at::kBFloat16);
    nn::AttentionSpec spec = spec_of(shape);
    spec.scale = scale;
    const auto a = nn::attention_forward_by(nn::Bf16Unit::none, in.q, in.k, in.v, spec);
    const auto da = nn::attention_backward_by(nn::Bf16Unit::none, in.d_out, in.q, in.k, in.v, a, spec);
    for (const nn::Bf16Unit unit : units_and_none()) {
      const auto b = nn::attention_forward_by(unit, in.q, in.k, in.v, spec);
      const auto db = nn::attention_backward_by(unit, in.d_out, in.q, in.k, in.v, b, spec);
      for (const at::Tensor& x : {b.out, db.dq}) EXPECT_EQ(x.narrow(0, 0, 30).abs().max().item<double>(), 0);
      EXPECT_LT(error(b.out, a.out), kBf16Tolerance);
      EXPECT_LT(gradient_error(db.dq, da.dq), 2 * kBf16Tolerance);
      EXPECT_LT(gradient_error(db.dk, da.dk), 2 * kBf16Tolerance);
      EXPECT_LT(gradient_error(db.dv, da.dv), 2 * kBf16Tolerance);
    }
  }
}

// Whatever lies beside it: a sequence's arithmetic is chosen by its own length.
TEST(Attention, SixteenQueriesAreWorthAUnit) {
  at::manual_seed(16);
  const Shape shape{{15, 16}, {150, 160}, 6, 1, 64};
  const Inputs in(shape, at::kBFloat16);
  const nn::AttentionSpec spec = spec_of(shape);
  const at::Tensor plain = nn::attention_forward_by(nn::Bf16Unit::none, in.q, in.k, in.v, spec).out;
  for (const nn::Bf16Unit unit : nn::usable_bf16_units()) {
    const at::Tensor out = nn::attention_forward_by(unit, in.q, in.k, in.v, spec).out;
    EXPECT_TRUE(at::equal(out.narrow(0, 0, 15), plain.narrow(0, 0, 15)));
    EXPECT_FALSE(at::equal(out.narrow(0, 15, 16), plain.narrow(0, 15, 16)));
  }
  EXPECT_TRUE(at::equal(nn::attention_forward_cpu(in.q, in.k, in.v, spec).out,
                        nn::attention_forward_by(nn::bf16_unit(), in.q, in.k, in.v, spec).out));
}

TEST(Attention, LargeScoresStayFinite) {
  at::manual_seed(13);
  const Shape shape{{20}, {20}, 2, 1, 16};
  Inputs in(shape, at::kFloat);
  in.q.mul_(300), in.k.mul_(300);  // scores in the hundred thousands: one key takes all
  const nn::AttentionSpec spec = spec_of(shape);
  const auto forward = nn::attention_forward_cpu(in.q, in.k, in.v, spec);
  EXPECT_LT(error(forward.out, nn::attention_forward_aten(in.q, in.k, in.v, spec).out), 1e-5);
  const auto d = nn::attention_backward_cpu(in.d_out, in.q, in.k, in.v, forward, spec);
  for (const at::Tensor& t : {d.dq, d.dk, d.dv}) EXPECT_TRUE(at::isfinite(t).all().item<bool>());
}

TEST(Attention, RefusesWhatIsNotBuilt) {
  const nn::Value x{random({2, 1, 4}), -1};
  TapeRun run;
  for (int variant = 0; variant < 3; ++variant) {
    nn::AttentionSpec spec = nn::self_attention({0, 2}, 1.0);
    if (variant == 0) spec.window = 4;
    if (variant == 1) spec.soft_cap = 30.0;
    if (variant == 2) spec.bias = random({2, 2});
    try {
      nn::attention(run.pass(), x, x, x, spec);
      FAIL() << "variant " << variant;
    } catch (const Error& e) {
      EXPECT_EQ(e.exit(), Exit::usage);
    }
  }
}

}  // namespace hone::test
