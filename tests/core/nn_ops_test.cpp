// Norm, SwiGLU, rotary positions, embedding and addition: backward against autograd in fp64, CPU kernels
// against the ATen versions in fp32 and bf16.
#include "core/nn/add.h"
#include "core/nn/embedding.h"
#include "core/nn/rms_norm.h"
#include "core/nn/rotary.h"
#include "core/nn/swiglu.h"
#include "tests/core/autograd.h"
#include "tests/core/nn_support.h"

namespace hone::test {
namespace {

constexpr double kEps = 1e-5;

at::Tensor norm_reference(const at::Tensor& sum, const at::Tensor& weight) {
  return sum * at::rsqrt(sum.square().mean(-1, true) + kEps) * weight;
}

double tolerance(at::ScalarType type, double fp32) { return type == at::kBFloat16 ? kBf16Tolerance : fp32; }

}  // namespace

TEST(ResidualRmsNorm, BackwardEqualsAutograd) {
  at::manual_seed(1);
  for (const bool with_delta : {true, false}) {
    for (const bool weight_trained : {true, false}) {
      const at::Tensor x = leaf(random({5, 12})), delta = leaf(random({5, 12})), w = leaf(random({12}));
      const at::Tensor d_sum = random({5, 12}), d_normed = random({5, 12});
      const at::Tensor sum = with_delta ? x + delta : x * 1.0;
      const auto expected = autograd({sum, norm_reference(sum, w)}, {d_sum, d_normed}, {x, delta, w});
      TapeRun run;
      TestSink sink({w});
      const nn::Value a = run.watch(x), b = with_delta ? run.watch(delta) : nn::Value{};
      const auto out =
          nn::residual_rms_norm(run.pass(), a, b, weight_trained ? trained(w, 0) : frozen(w), kEps);
      EXPECT_LT(error(out.sum.tensor, sum), kDoubleTolerance);
      EXPECT_LT(error(out.normed.tensor, norm_reference(sum, w)), kDoubleTolerance);
      run.play({{out.normed, d_normed}, {out.sum, d_sum}}, sink);
      EXPECT_LT(error(run.gradient(a), expected[0]), kDoubleTolerance);
      if (with_delta) {
        EXPECT_LT(error(run.gradient(b), expected[1]), kDoubleTolerance);
      }
      EXPECT_LT(error(sink.gradient(0), weight_trained ? expected[2] : at::zeros_like(w)), kDoubleTolerance);
    }
  }
}

TEST(ResidualRmsNorm, EitherOutputMayGoUnused) {
  at::manual_seed(2);
  const at::Tensor x = leaf(random({3, 8})), delta = leaf(random({3, 8})), w = random({8}),
                   d = random({3, 8});
  const at::Tensor sum = x + delta;
  TestSink sink;
  for (const bool normed : {true, false}) {
    const auto expected = autograd({normed ? norm_reference(sum, w) : sum}, {d}, {x, delta});
    TapeRun run;
    const nn::Value a = run.watch(x), b = run.watch(delta);
    const auto out = nn::residual_rms_norm(run.pass(), a, b, frozen(w), kEps);
    run.play({{normed ? out.normed : out.sum, d}}, sink);
    EXPECT_LT(error(run.gradient(a), expected[0]), kDoubleTolerance);
    EXPECT_LT(error(run.gradient(b), expected[1]), kDoubleTolerance);
  }
}

TEST(ResidualRmsNorm, CpuKernelEqualsAten) {
  at::manual_seed(3);
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    for (const std::int64_t width : {1, 15, 64, 80, 577}) {
      for (const std::int64_t rows : {1, 37}) {
        const at::Tensor x = random({rows, width}, type), delta = random({rows, width}, type);
        const at::Tensor w = random({width}, type), dy = random({rows, width}, type),
                         ds = random({rows, width}, type);
        const auto a = nn::rms_norm_forward_aten(x, delta, w, kEps),
                   b = nn::rms_norm_forward_cpu(x, delta, w, kEps);
        EXPECT_TRUE(at::equal(a.sum, b.sum));
        EXPECT_LT(error(b.rstd, a.rstd), 1e-6);
        EXPECT_LT(error(b.normed, a.normed), tolerance(type, 1e-6)) << width;
        at::Tensor dw_a = at::ones({width}), dw_b = at::ones({width});
        const at::Tensor dx_a = nn::rms_norm_backward_aten(ds, dy, a.sum, a.rstd, w, dw_a);
        const at::Tensor dx_b = nn::rms_norm_backward_cpu(ds, dy, a.sum, a.rstd, w, dw_b);
        EXPECT_LT(error(dx_b, dx_a), tolerance(type, 2e-6)) << width;
        EXPECT_LT(error(dw_b, dw_a), 1e-5) << width;
      }
    }
  }
}

TEST(Swiglu, BackwardEqualsAutograd) {
  at::manual_seed(4);
  const at::Tensor gate = leaf(random({4, 9}) * 4), up = leaf(random({4, 9})), d = random({4, 9});
  const at::Tensor out = gate * at::sigmoid(gate) * up;
  const auto expected = autograd({out}, {d}, {gate, up});
  TapeRun run;
  TestSink sink;
  const nn::Value g = run.watch(gate), u = run.watch(up);
  const nn::Value y = nn::swiglu(run.pass(), g, u);
  EXPECT_LT(error(y.tensor, out), kDoubleTolerance);
  run.play({{y, d}}, sink);
  EXPECT_LT(error(run.gradient(g), expected[0]), kDoubleTolerance);
  EXPECT_LT(error(run.gradient(u), expected[1]), kDoubleTolerance);
}

TEST(Swiglu, CpuKernelEqualsAtenUpToExtremeGates) {
  at::manual_seed(5);
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    for (const double spread : {1.0, 30.0, 1000.0}) {  // saturated both ways
      const at::Tensor gate = random({7, 163}).mul(spread).to(type), up = random({7, 163}, type);
      const at::Tensor d = random({7, 163}, type);
      EXPECT_LT(error(nn::swiglu_forward_cpu(gate, up), nn::swiglu_forward_aten(gate, up)),
                tolerance(type, 1e-6));
      const auto a = nn::swiglu_backward_aten(d, gate, up), b = nn::swiglu_backward_cpu(d, gate, up);
      EXPECT_LT(error(b.first, a.first), tolerance(type, 2e-6));
      EXPECT_LT(error(b.second, a.second), tolerance(type, 2e-6));
    }
  }
}

TEST(Rotary, BackwardEqualsAutogradAndUndoesTheTurn) {
  at::manual_seed(6);
  const nn::BatchTensors batch = packed({3, 5});
  const nn::RotaryTable table = nn::rotary_table(batch.positions, {10, 10000.0, {}}, at::kDouble);
  const at::Tensor x = leaf(random({8, 2, 10})), d = random({8, 2, 10});
  // Pairs (i, i + D/2) as complex numbers times exp(i angle).
  const at::Tensor inverse = at::pow(10000.0, -at::arange(0, 10, 2, at::kDouble) / 10);
  const at::Tensor angle = (batch.positions.to(at::kDouble).unsqueeze(1) * inverse).unsqueeze(1);
  const auto halves = x.chunk(2, -1);
  const at::Tensor z = at::complex(halves[0], halves[1]) * at::complex(at::cos(angle), at::sin(angle));
  const at::Tensor out = at::cat({at::real(z), at::imag(z)}, -1);
  const auto expected = autograd({out}, {d}, {x});
  TapeRun run;
  TestSink sink;
  const nn::Value a = run.watch(x);
  const nn::Value y = nn::rotary(run.pass(), a, table);
  EXPECT_LT(error(y.tensor, out), kDoubleTolerance);
  EXPECT_LT(error(nn::rotate_aten(y.tensor, table, -1), x), kDoubleTolerance);
  run.play({{y, d}}, sink);
  EXPECT_LT(error(run.gradient(a), expected[0]), kDoubleTolerance);
}

TEST(Rotary, CpuKernelEqualsAten) {
  at::manual_seed(7);
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    for (const std::int64_t dim : {2, 16, 64, 80, 34}) {
      for (const std::int64_t tokens : {1, 19}) {
        const nn::RotaryTable table =
            nn::rotary_table(packed({tokens}).positions * 977, {dim, 1e5, {}}, type);
        const at::Tensor x = random({tokens, 3, dim}, type);
        for (const int sign : {1, -1})
          EXPECT_LT(error(nn::rotate_cpu(x, table, sign), nn::rotate_aten(x, table, sign)),
                    tolerance(type, 1e-6));
      }
    }
  }
}

TEST(Embedding, BackwardEqualsAutogradWithRepeatedTokens) {
  at::manual_seed(8);
  nn::BatchTensors batch = packed({6});
  batch.tokens = at::tensor(at::ArrayRef<std::int64_t>({3, 0, 3, 6, 3, 0}), at::kLong);
  const at::Tensor table = leaf(random({7, 5})), d = random({6, 5});
  const auto expected = autograd({table.index_select(0, batch.tokens)}, {d}, {table});
  TapeRun run(batch);
  TestSink sink({table});
  const nn::Value y = nn::embedding(run.pass(), trained(table, 0));
  EXPECT_TRUE(at::equal(y.tensor, table.index_select(0, batch.tokens)));
  run.play({{y, d}}, sink);
  EXPECT_LT(error(sink.gradient(0), expected[0]), kDoubleTolerance);
  EXPECT_FALSE(nn::embedding(run.pass(), frozen(table)).wants_gradient());
}

TEST(Add, HandsItsGradientToBothAndNeitherWritesToTheOthers) {
  at::manual_seed(9);
  const at::Tensor x = leaf(random({3, 4})), y = leaf(random({3, 4})), w = random({4}), d = random({3, 4});
  // x is read again by a norm, so that a second gradient is added to the tensor it shares with y.
  const auto expected = autograd({norm_reference(x, w) * 1.0 + (x + y)}, {d}, {x, y});
  TapeRun run;
  TestSink sink;
  const nn::Value a = run.watch(x), b = run.watch(y);
  const nn::Value normed = nn::residual_rms_norm(run.pass(), a, {}, frozen(w), kEps).normed;
  run.play({{nn::add(run.pass(), normed, nn::add(run.pass(), a, b)), d}}, sink);
  EXPECT_LT(error(run.gradient(a), expected[0]), kDoubleTolerance);
  EXPECT_LT(error(run.gradient(b), expected[1]), kDoubleTolerance);
}

TEST(Tape, RecordsNothingThatNobodyWants) {
  nn::Tape tape;
  const nn::BatchTensors batch = packed({2});
  const nn::Pass pass{batch, &tape, nn::AdapterMode::all, {}, nullptr};
  const nn::Value x{random({2, 4}), -1};
  nn::add(pass, x, x);
  nn::swiglu(pass, x, x);
  nn::residual_rms_norm(pass, x, x, frozen(random({4})), kEps);
  EXPECT_TRUE(tape.empty());
}

}  // namespace hone::test
