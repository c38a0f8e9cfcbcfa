// NF4 against the bits that bitsandbytes stored and gave back (tests/golden/core/nf4.safetensors).
#include "core/quant/nf4.h"

#include "core/quant/nf4_cuda.h"
#include "tests/core/golden.h"
#include "tests/kernels/on_device.h"

namespace hone::test {
namespace {

CudaFloat type_of(const at::Tensor& t) {
  for (const ElementType& type : kElementTypes)
    if (type.at == t.scalar_type()) return type.cuda;
  throw std::runtime_error("not a kernel's element type");
}

class Nf4Kernel : public testing::WithParamInterface<const char*>, public Kernel {
 protected:
  bool has(const std::string& part) const { return golden_.has(GetParam() + ("." + part)); }
  at::Tensor part(const std::string& name) const { return golden_[GetParam() + ("." + name)]; }

  void expect_bits(Nf4View view, const at::Tensor& expected) const {
    const OnDevice codes(part("packed")), out(at::zeros_like(expected));
    view.codes = codes.as<std::uint8_t>();
    view.elements = expected.numel();
    nf4_dequantize_cuda(view, type_of(expected), out.data(), nullptr);
    EXPECT_TRUE(at::equal(out.host().view(at::kByte), expected.view(at::kByte)));
  }

  const Golden golden_{"nf4.safetensors"};
};

TEST_P(Nf4Kernel, DequantisesPlainAndNestedScalesToBitsandbytesValues) {
  const OnDevice absmax(part("absmax")), codes(part("nested_codes")), nested_absmax(part("nested_absmax")),
      map(golden_["nested_quant_map"]);
  if (has("dequantized")) expect_bits({.absmax = absmax.as<float>()}, part("dequantized"));
  expect_bits({.nested_codes = codes.as<std::uint8_t>(),
               .nested_map = map.as<float>(),
               .nested_absmax = nested_absmax.as<float>(),
               .nested_offset = part("nested_offset").item<float>()},
              part("nested_dequantized"));
}

TEST_P(Nf4Kernel, QuantisesToBitsandbytesCodesAndScales) {
  const at::Tensor input = part("input");
  const OnDevice values(input), codes(at::zeros_like(part("packed"))), absmax(at::zeros_like(part("absmax")));
  nf4_quantize_cuda(values.data(), type_of(input), input.numel(), codes.as<std::uint8_t>(),
                    absmax.as<float>(), nullptr);
  EXPECT_TRUE(at::equal(codes.host(), part("packed")));
  EXPECT_TRUE(at::equal(absmax.host(), part("absmax")));
}

INSTANTIATE_TEST_SUITE_P(Cases, Nf4Kernel,
                         testing::Values("normal", "zero_block", "partial", "extremes", "many", "half"));

using Nf4SizesKernel = Kernel;

TEST_F(Nf4SizesKernel, BothWaysEqualTheCpuOverAwkwardSizes) {
  for (const std::int64_t n : {0, 1, 2, 7, 8, 63, 64, 65, 1023, 1024, 1025, 9001}) {
    SCOPED_TRACE(n);
    const at::Tensor input = random({n}, at::kFloat);
    quant::Nf4Quantizer quantizer(n);
    quantizer.push({input.const_data_ptr<float>(), static_cast<std::size_t>(n)});
    const quant::Nf4Data expected = quantizer.finish(false);
    const std::int64_t blocks = expected.blocks();
    const OnDevice values(input), codes(at::full({(n + 1) / 2}, 0x33, at::kByte)),
        absmax(at::zeros({blocks})), out(at::zeros({n}, at::kHalf));
    nf4_quantize_cuda(values.data(), CudaFloat::fp32, n, codes.as<std::uint8_t>(), absmax.as<float>(),
                      nullptr);
    nf4_dequantize_cuda({.codes = codes.as<std::uint8_t>(), .elements = n, .absmax = absmax.as<float>()},
                        CudaFloat::fp16, out.data(), nullptr);
    const at::Tensor host_codes = codes.host(), host_absmax = absmax.host();
    EXPECT_TRUE(
        std::equal(expected.codes.begin(), expected.codes.end(), host_codes.const_data_ptr<std::uint8_t>()));
    EXPECT_TRUE(
        std::equal(expected.absmax.begin(), expected.absmax.end(), host_absmax.const_data_ptr<float>()));
    at::Tensor dense = at::zeros({n});
    quant::dequantize_nf4(expected.codes.data(), expected.absmax.data(), n, 0, blocks,
                          dense.mutable_data_ptr<float>());
    EXPECT_TRUE(at::equal(out.host(), dense.to(at::kHalf)));
  }
}

}  // namespace
}  // namespace hone::test
