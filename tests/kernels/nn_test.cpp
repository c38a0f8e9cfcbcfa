// Norm, rotary positions, SwiGLU, embedding and dropout: each kernel against the operator's ATen version,
// over sizes around a pack, a warp and a block, on and off the alignment of vector accesses.
#include "core/nn/dropout.h"
#include "core/nn/dropout_cuda.h"
#include "core/nn/embedding_cuda.h"
#include "core/nn/rms_norm.h"
#include "core/nn/rms_norm_cuda.h"
#include "core/nn/rotary.h"
#include "core/nn/rotary_cuda.h"
#include "core/nn/swiglu.h"
#include "core/nn/swiglu_cuda.h"
#include "tests/kernels/on_device.h"

namespace hone::test {
namespace {

constexpr float kEps = 1e-5f;

class RmsNormKernel : public Kernel {
 protected:
  void forward(const ElementType& type, std::int64_t rows, std::int64_t width, bool with_delta,
               std::int64_t shift) {
    const at::Tensor x = random({rows, width}, type.at), weight = random({width}, type.at);
    const at::Tensor delta = with_delta ? random({rows, width}, type.at) : at::Tensor();
    const nn::RmsNormForward expected = nn::rms_norm_forward_aten(x, delta, weight, kEps);
    const OnDevice a(x, shift), b(with_delta ? delta : x, shift), w(weight, shift),
        sum(at::zeros_like(x), shift), normed(at::zeros_like(x), shift), rstd(at::zeros({rows}));
    nn::rms_norm_forward_cuda({.type = type.cuda,
                               .rows = rows,
                               .width = width,
                               .x = a.data(),
                               .delta = with_delta ? b.data() : nullptr,
                               .weight = w.data(),
                               .eps = kEps,
                               .sum = with_delta ? sum.data() : nullptr,
                               .normed = normed.data(),
                               .rstd = rstd.as<float>()},
                              nullptr);
    if (with_delta) {
      EXPECT_TRUE(at::equal(sum.host(), expected.sum));
    }
    EXPECT_LE(error(rstd.host(), expected.rstd), 1e-6);
    EXPECT_LE(error(normed.host(), expected.normed), type.tolerance);
  }

  void backward(const ElementType& type, std::int64_t rows, std::int64_t width, bool with_d_sum,
                std::int64_t shift) {
    const at::Tensor x = random({rows, width}, type.at), weight = random({width}, type.at);
    const at::Tensor dy = random({rows, width}, type.at);
    const at::Tensor d_sum = with_d_sum ? random({rows, width}, type.at) : at::Tensor();
    const at::Tensor rstd = nn::rms_norm_forward_aten(x, {}, weight, kEps).rstd;
    const at::Tensor d_weight = random({width}, at::kFloat);
    at::Tensor expected_d_weight = d_weight.clone();
    const at::Tensor d_x = nn::rms_norm_backward_aten(d_sum, dy, x, rstd, weight, expected_d_weight);
    const OnDevice a(x, shift), b(dy, shift), c(with_d_sum ? d_sum : dy, shift), w(weight, shift), r(rstd),
        dw(d_weight, shift), out(at::zeros_like(x), shift),
        workspace(at::zeros({nn::kRmsNormGroups, width}), shift);
    nn::rms_norm_backward_cuda({.type = type.cuda,
                                .rows = rows,
                                .width = width,
                                .d_sum = with_d_sum ? c.data() : nullptr,
                                .d_normed = b.data(),
                                .sum = a.data(),
                                .rstd = r.as<const float>(),
                                .weight = w.data(),
                                .d_x = out.data(),
                                .d_weight = dw.as<float>(),
                                .workspace = workspace.as<float>()},
                               nullptr);
    EXPECT_LE(error(out.host(), d_x), type.tolerance);
    EXPECT_LE(error(dw.host(), expected_d_weight), 3e-6);
    workspace.host();
  }
};

TEST_F(RmsNormKernel, EqualsAten) {
  for (const ElementType& type : kElementTypes) {
    for (const std::int64_t width : {1, 63, 64, 65, 2304}) {
      for (const std::int64_t rows : {0, 3}) {
        for (const bool other : {true, false}) {
          SCOPED_TRACE(testing::Message() << type.at << ' ' << rows << " x " << width << ' ' << other);
          forward(type, rows, width, other, 0);
          backward(type, rows, width, other || width == 1, 0);  // alone, one element's gradient cancels
        }
      }
    }
    forward(type, 3, 64, true, 1);
    backward(type, 70, 64, true, 1);  // more rows than groups
  }
}

TEST_F(RmsNormKernel, OutputsMayOverwriteInputs) {
  const at::Tensor x = random({3, 72}, at::kFloat), delta = random({3, 72}, at::kFloat),
                   w = random({72}, at::kFloat);
  const nn::RmsNormForward expected = nn::rms_norm_forward_aten(x, delta, w, kEps);
  const OnDevice a(x), b(delta), weight(w), normed(x), rstd(at::zeros({3}));
  nn::rms_norm_forward_cuda({.rows = 3,
                             .width = 72,
                             .x = a.data(),
                             .delta = b.data(),
                             .weight = weight.data(),
                             .eps = kEps,
                             .sum = a.data(),
                             .normed = normed.data(),
                             .rstd = rstd.as<float>()},
                            nullptr);
  EXPECT_TRUE(at::equal(a.host(), expected.sum));
  nn::rms_norm_backward_cuda({.rows = 3,
                              .width = 72,
                              .d_sum = b.data(),
                              .d_normed = normed.data(),
                              .sum = a.data(),
                              .rstd = rstd.as<const float>(),
                              .weight = weight.data(),
                              .d_x = b.data()},
                             nullptr);
  EXPECT_LE(
      error(b.host(), nn::rms_norm_backward_aten(delta, expected.normed, expected.sum, expected.rstd, w, {})),
      2e-6);
}

using RotaryKernel = Kernel;

TEST_F(RotaryKernel, EqualsAtenBothWays) {
  for (const ElementType& type : kElementTypes) {
    for (const std::int64_t dim : {2, 64, 80, 126}) {
      for (const std::int64_t tokens : {0, 1, 7}) {
        const at::Tensor x = random({tokens, 3, dim}, type.at);
        const nn::RotaryTable table = nn::rotary_table(at::arange(tokens) * 37, {dim, 1e4, {}}, at::kFloat);
        const OnDevice in(x), cos(table.cos), sin(table.sin), shifted(x, 1);
        for (const int sign : {1, -1}) {
          SCOPED_TRACE(testing::Message() << type.at << ' ' << tokens << " x " << dim << ' ' << sign);
          const OnDevice out(at::zeros_like(x));
          nn::RotateArgs args{.type = type.cuda, .tokens = tokens, .heads = 3, .dim = dim};
          args.x = in.data(), args.cos = cos.as<float>(), args.sin = sin.as<float>();
          args.sign = sign, args.out = out.data();
          nn::rotate_cuda(args, nullptr);
          EXPECT_LE(error(out.host(), nn::rotate_aten(x, table, sign)), type.tolerance);
        }
        nn::RotateArgs in_place{.type = type.cuda, .tokens = tokens, .heads = 3, .dim = dim};
        in_place.x = in_place.out = shifted.data();
        in_place.cos = cos.as<float>(), in_place.sin = sin.as<float>();
        nn::rotate_cuda(in_place, nullptr);
        EXPECT_LE(error(shifted.host(), nn::rotate_aten(x, table, 1)), type.tolerance);
      }
    }
  }
}

using SwigluKernel = Kernel;

TEST_F(SwigluKernel, EqualsAten) {
  for (const ElementType& type : kElementTypes) {
    for (const std::int64_t n : {0, 1, 63, 64, 65, 5003}) {
      for (const std::int64_t shift : {0, 1}) {
        SCOPED_TRACE(testing::Message() << type.at << ' ' << n << " shifted by " << shift);
        const at::Tensor gate = random({n}, type.at) * 4, up = random({n}, type.at), d = random({n}, type.at);
        const OnDevice g(gate, shift), u(up, shift), d_out(d, shift), out(at::zeros_like(gate), shift);
        nn::swiglu_forward_cuda(type.cuda, n, g.data(), u.data(), out.data(), nullptr);
        EXPECT_LE(error(out.host(), nn::swiglu_forward_aten(gate, up)), type.tolerance);
        nn::swiglu_backward_cuda(type.cuda, n, d_out.data(), g.data(), u.data(), g.data(), u.data(), nullptr);
        const auto [d_gate, d_up] = nn::swiglu_backward_aten(d, gate, up);
        EXPECT_LE(error(g.host(), d_gate), type.tolerance);
        EXPECT_LE(error(u.host(), d_up), type.tolerance);
      }
    }
  }
}

TEST_F(SwigluKernel, FarGatesGiveTheLimits) {
  const OnDevice gate(at::tensor({-200.0f, 200.0f})), up(at::ones({2})), out(at::zeros({2})),
      d(at::ones({2}));
  nn::swiglu_forward_cuda(CudaFloat::fp32, 2, gate.data(), up.data(), out.data(), nullptr);
  EXPECT_TRUE(at::equal(out.host(), at::tensor({-0.0f, 200.0f})));
  nn::swiglu_backward_cuda(CudaFloat::fp32, 2, d.data(), gate.data(), up.data(), gate.data(), up.data(),
                           nullptr);
  EXPECT_TRUE(at::equal(gate.host(), at::tensor({0.0f, 1.0f})));
}

class EmbeddingKernel : public Kernel {
 protected:
  void check(const ElementType& type, std::int64_t tokens, std::int64_t width) {
    SCOPED_TRACE(testing::Message() << type.at << ' ' << tokens << " x " << width);
    const at::Tensor table = random({11, width}, type.at), d = random({tokens, width}, type.at);
    const at::Tensor ids = at::randint(11, {tokens}, at::kLong), start = random({11, width}, at::kFloat);
    const OnDevice rows(table), at_ids(ids), out(at::zeros_like(d)), d_out(d), gradient(start);
    nn::embedding_forward_cuda(type.cuda, tokens, width, at_ids.as<std::int64_t>(), rows.data(), out.data(),
                               nullptr);
    EXPECT_TRUE(at::equal(out.host(), table.index_select(0, ids)));
    nn::embedding_backward_cuda(type.cuda, tokens, width, at_ids.as<std::int64_t>(), d_out.data(),
                                gradient.as<float>(), nullptr);
    at::Tensor expected = start.clone();  // one by one: the very order of the kernel
    for (std::int64_t t = 0; t < tokens; ++t) expected[ids[t].item<std::int64_t>()] += d[t];
    EXPECT_TRUE(at::equal(gradient.host(), expected));
  }
};

TEST_F(EmbeddingKernel, GathersRowsAndSumsTheirGradientsInTokenOrder) {
  for (const ElementType& type : kElementTypes) {
    for (const std::int64_t width : {1, 63, 64, 65})
      for (const std::int64_t tokens : {0, 1, 30}) check(type, tokens, width);
  }
  check(kElementTypes[1], 300, 65);  // more tokens than a block has threads
}

using DropoutKernel = Kernel;

TEST_F(DropoutKernel, MaskHasTheBitsOfTheCpu) {
  nn::BatchTensors batch = packed({5, 1, 9}, 40);
  batch.slot = {0, 1, 0};
  batch.epoch = 3'000'000'000;
  std::vector<std::int32_t> sample, slot, position;
  for (std::size_t s = 0; s + 1 < batch.cu_seqlens.size(); ++s)
    for (std::int64_t t = batch.cu_seqlens[s]; t < batch.cu_seqlens[s + 1]; ++t) {
      sample.push_back(static_cast<std::int32_t>(batch.sample[s]));
      slot.push_back(batch.slot[s]);
      position.push_back(static_cast<std::int32_t>(t - batch.cu_seqlens[s]));
    }
  const auto words = [](const std::vector<std::int32_t>& v) {
    return at::tensor(at::ArrayRef<std::int32_t>(v), at::kInt);
  };
  const OnDevice samples(words(sample)), slots(words(slot)), positions(words(position)),
      epoch(at::full({1}, batch.epoch, at::kLong));
  const nn::DropoutSite site{.rate = 0.3, .site = 17};
  const nn::Pass pass{.batch = batch, .dropout = {.enabled = true, .seed = 0x1234567890ull}};
  for (const ElementType& type : kElementTypes) {
    for (const std::int64_t width : {1, 63, 64, 65, 1030}) {
      SCOPED_TRACE(testing::Message() << type.at << ' ' << width);
      const at::Tensor x = at::zeros({15, width}, type.at);
      const OnDevice mask(x);
      nn::dropout_mask_cuda({.type = type.cuda,
                             .tokens = 15,
                             .width = width,
                             .seed = pass.dropout.seed,
                             .site = site.site,
                             .rate = site.rate,
                             .epoch = epoch.as<std::int64_t>(),
                             .sample = samples.as<std::uint32_t>(),
                             .slot = slots.as<std::uint32_t>(),
                             .position = positions.as<std::uint32_t>(),
                             .mask = mask.data()},
                            nullptr);
      EXPECT_TRUE(at::equal(mask.host(), nn::dropout_mask(pass, x, site)));
    }
  }
}

}  // namespace
}  // namespace hone::test
