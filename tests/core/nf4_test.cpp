#include "core/quant/nf4.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "core/base/dynamic_map.h"
#include "core/quant/nf4_weight.h"
#include "tests/core/golden.h"

namespace hone::test {
namespace {

std::vector<std::string> cases(const Golden& golden) {
  std::vector<std::string> names;
  for (const auto& entry : golden.file().entries())
    if (entry.info.name.ends_with(".input"))
      names.push_back(entry.info.name.substr(0, entry.info.name.size() - 6));
  return names;
}

quant::Nf4Data quantize(const at::Tensor& input, bool nested) {
  const at::Tensor flat = input.to(at::kFloat).contiguous();
  quant::Nf4Quantizer quantizer(flat.numel());
  const std::span<const float> values(flat.const_data_ptr<float>(), flat.numel());
  for (std::size_t at = 0; at < values.size(); at += 37)  // pieces that fit no block
    quantizer.push(values.subspan(at, std::min<std::size_t>(37, values.size() - at)));
  return quantizer.finish(nested);
}

at::Tensor bytes_of(const std::vector<std::uint8_t>& v) {
  return at::tensor(at::ArrayRef<std::uint8_t>(v), at::kByte);
}
at::Tensor floats_of(const std::vector<float>& v) { return at::tensor(at::ArrayRef<float>(v), at::kFloat); }

}  // namespace

TEST(Nf4, CodesAndScalesEqualBitsandbytesBitForBit) {
  const Golden golden("nf4.safetensors");
  ASSERT_GE(cases(golden).size(), 3u);
  for (const std::string& name : cases(golden)) {
    const quant::Nf4Data data = quantize(golden[name + ".input"], false);
    EXPECT_TRUE(at::equal(bytes_of(data.codes), golden[name + ".packed"].flatten())) << name;
    EXPECT_TRUE(at::equal(floats_of(data.absmax), golden[name + ".absmax"].flatten())) << name;
    std::vector<float> out(data.elements);
    quant::dequantize_nf4(data.codes.data(), data.absmax.data(), data.elements, 0, data.blocks(), out.data());
    if (!golden.has(name + ".dequantized")) continue;
    const at::Tensor expected = golden[name + ".dequantized"].flatten();  // in the type that was quantised
    EXPECT_TRUE(at::equal(floats_of(out).to(expected.scalar_type()), expected)) << name;
  }
}

TEST(Nf4, DoubleQuantisationEqualsBitsandbytes) {
  const Golden golden("nf4.safetensors");
  // The map's last bits depend on the vector width of the machine that ran torch.linspace; files carry their
  // own.
  const at::Tensor map = golden["nested_quant_map"];
  const auto& own_map = signed_dynamic_map();
  EXPECT_LT(relative_error(at::tensor(at::ArrayRef<float>(own_map.data(), 256), at::kFloat), map), 1e-7);
  for (const std::string& name : cases(golden)) {
    if (!golden.has(name + ".nested_codes")) continue;
    quant::Nf4Data data = quantize(golden[name + ".input"], false);
    const float offset = golden[name + ".nested_offset"].item<float>();
    quant::Nf4Data own = data;
    quant::double_quantize(own);
    EXPECT_NEAR(own.offset, offset, 1e-6 * std::abs(offset)) << name;
    quant::double_quantize(data, offset);
    // bitsandbytes' search on CPUs once misses the nearest value: there ours must be the nearer one.
    const at::Tensor codes = bytes_of(data.absmax_codes), theirs = golden[name + ".nested_codes"].flatten();
    EXPECT_LE(codes.ne(theirs).sum().item<int>(), name == "half" ? 1 : 0) << name;
    const at::Tensor wanted = golden[name + ".absmax"].flatten() - offset;
    const auto distance = [&](const at::Tensor& c) {
      const at::Tensor scale =
          golden[name + ".nested_absmax"].flatten().repeat_interleave(256).narrow(0, 0, c.size(0));
      return (map.index_select(0, c.to(at::kLong)) * scale - wanted).abs();
    };
    EXPECT_TRUE((distance(codes) <= distance(theirs) + 1e-7 * wanted.abs().max()).all().item<bool>()) << name;
    EXPECT_TRUE(at::equal(floats_of(data.nested_absmax), golden[name + ".nested_absmax"].flatten())) << name;
    if (!golden.has(name + ".nested_dequantized")) continue;
    data.absmax_codes.assign(theirs.const_data_ptr<std::uint8_t>(),
                             theirs.const_data_ptr<std::uint8_t>() + theirs.numel());
    data.nested_map.assign(map.const_data_ptr<float>(), map.const_data_ptr<float>() + 256);
    const std::vector<float> absmax = quant::absmax_of(data);
    std::vector<float> out(data.elements);
    quant::dequantize_nf4(data.codes.data(), absmax.data(), data.elements, 0, data.blocks(), out.data());
    const at::Tensor expected = golden[name + ".nested_dequantized"].flatten();
    EXPECT_TRUE(at::equal(floats_of(out).to(expected.scalar_type()), expected)) << name;
  }
}

TEST(Nf4, WeightDequantisesInEveryComputeType) {
  const at::Tensor input = at::randn({130, 96});
  const quant::Nf4Data data = quantize(input, true);
  std::vector<float> expected(data.elements);
  quant::dequantize_nf4(data.codes.data(), quant::absmax_of(data).data(), data.elements, 0, data.blocks(),
                        expected.data());
  const at::Tensor reference = floats_of(expected).view({130, 96});
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16, at::kHalf}) {
    const quant::Nf4Weight weight(data, {130, 96}, type);
    const at::Tensor first = weight.acquire(), second = weight.acquire();
    EXPECT_TRUE(at::equal(first, reference.to(type)));
    EXPECT_TRUE(at::equal(second, reference.to(type)));
  }
}

TEST(Nf4, ThreadsThatHoldAWeightShareTheDenseMatrixAndTheWorkOfMakingIt) {
  const at::Tensor input = at::randn({2048, 512});
  const quant::Nf4Weight weight(quantize(input, true), {2048, 512}, at::kFloat);
  const at::Tensor reference = weight.acquire().clone();
  for (int repeat = 0; repeat < 20; ++repeat) {
    std::vector<at::Tensor> copies(4);
    at::parallel_for(0, 4, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) copies[i] = weight.acquire();
      for (std::int64_t i = begin; i < end; ++i) EXPECT_TRUE(at::equal(copies[i], reference));
    });
    const at::Tensor held = weight.acquire();
    EXPECT_EQ(held.data_ptr(), weight.acquire().data_ptr());
  }
}

TEST(Nf4, FewRowsMultiplyWithoutADenseMatrix) {
  at::manual_seed(4);
  const at::Tensor input = at::randn({130, 128});
  for (const bool nested : {false, true}) {
    const quant::Nf4Weight weight(quantize(input, nested), {130, 128}, at::kFloat);
    for (const std::int64_t rows : {1, 8, 11}) {
      const at::Tensor x = at::randn({rows, 128});
      EXPECT_TRUE(at::allclose(weight.times_transposed(x), at::mm(x, weight.acquire().t()), 1e-5, 1e-5))
          << rows;
    }
  }
}

}  // namespace hone::test
