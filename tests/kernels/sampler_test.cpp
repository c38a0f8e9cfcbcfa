// Drawing the next token: the kernel against the CPU's sampler, given the uniform number that one draws.
#include "core/generate/sampler.h"

#include "core/generate/sampler_cuda.h"
#include "tests/kernels/on_device.h"

namespace hone::test {
namespace {

using generate::SamplerSettings;

class SamplerKernel : public Kernel {
 protected:
  static generate::Draw draw_of(std::int64_t row) {
    return {.prompt = static_cast<std::uint64_t>(row), .position = 5};
  }

  static std::vector<std::int32_t> drawn(const ElementType& type, const at::Tensor& logits,
                                         const SamplerSettings& s) {
    const std::int64_t rows = logits.size(0);
    std::vector<double> numbers;
    for (std::int64_t r = 0; r < rows; ++r) numbers.push_back(generate::uniform(s, draw_of(r)));
    const OnDevice z(logits), u(at::tensor(at::ArrayRef<double>(numbers), at::kDouble)),
        ids(at::zeros({rows}, at::kInt));
    generate::sample_cuda({.type = type.cuda,
                           .rows = rows,
                           .vocab = logits.size(1),
                           .logits = z.data(),
                           .temperature = s.temperature,
                           .top_k = s.top_k,
                           .top_p = s.top_p,
                           .min_p = s.min_p,
                           .uniform = u.as<double>(),
                           .ids = ids.as<std::int32_t>()},
                          nullptr);
    const at::Tensor host = ids.host();
    return {host.const_data_ptr<std::int32_t>(), host.const_data_ptr<std::int32_t>() + rows};
  }

  static std::vector<std::int32_t> on_cpu(const at::Tensor& logits, const SamplerSettings& s) {
    const at::Tensor wide = logits.to(at::kFloat).contiguous();
    const std::int64_t vocab = wide.size(1);
    std::vector<std::int32_t> ids;
    for (std::int64_t r = 0; r < wide.size(0); ++r)
      ids.push_back(generate::sample(
          {wide.const_data_ptr<float>() + r * vocab, static_cast<std::size_t>(vocab)}, {}, s, draw_of(r)));
    return ids;
  }
};

TEST_F(SamplerKernel, DrawsWhatTheCpuDraws) {
  for (const ElementType& type : kElementTypes) {
    for (const std::int64_t vocab : {1, 65, 1000}) {
      if (vocab == 1000 && type.at != at::kFloat) continue;
      const at::Tensor logits = random({3, vocab}, type.at) * 3;
      for (const SamplerSettings& settings : {SamplerSettings{},
                                              {.temperature = 1},
                                              {.temperature = 0.7, .top_k = 40},
                                              {.temperature = 1.3, .top_p = 0.9},
                                              {.temperature = 0.9, .top_k = 50, .top_p = 0.6, .seed = 3},
                                              {.temperature = 2, .top_k = 1},
                                              {.temperature = 1.5, .min_p = 0.1},
                                              {.temperature = 1.2, .top_k = 30, .top_p = 0.8, .min_p = 0.2},
                                              {.temperature = 2, .top_p = 0}})
        EXPECT_EQ(drawn(type, logits, settings), on_cpu(logits, settings))
            << type.at << ' ' << vocab << " T=" << settings.temperature << " k=" << settings.top_k
            << " p=" << settings.top_p << " min_p=" << settings.min_p;
    }
  }
}

// The lower id comes first; -0 is 0; equals of the k-th likeliest stay.
TEST_F(SamplerKernel, EqualLogitsAreTakenAsTheCpuTakesThem) {
  at::Tensor logits = at::full({4, 70}, -3.0f);
  logits.select(1, 9).fill_(-0.0f);
  logits.select(1, 30).fill_(0.0f);
  const ElementType& fp32 = kElementTypes[0];
  EXPECT_EQ(drawn(fp32, logits, {}), std::vector<std::int32_t>(4, 9));
  for (const std::int64_t top_k : {1, 7}) {
    const SamplerSettings settings{.temperature = 1, .top_k = top_k};
    EXPECT_EQ(drawn(fp32, logits, settings), on_cpu(logits, settings)) << top_k;
  }
  const SamplerSettings lower{.temperature = 1, .top_p = 0.1};  // less than either has: the lower alone
  EXPECT_EQ(drawn(fp32, logits, lower), std::vector<std::int32_t>(4, 9));
}

}  // namespace
}  // namespace hone::test
