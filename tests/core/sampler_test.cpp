// The logit processors and the draw.
#include "core/generate/sampler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "core/generate/logit_processors.h"
#include "core/generate/sampler_on_cuda.h"
#include "tests/core/golden.h"

namespace hone::test {
namespace {

const std::vector<float> kLogits = {1.0f, 3.0f, 2.0f, 3.0f, -1.0f, 0.5f};

std::vector<double> frequencies(const generate::SamplerSettings& settings, int draws = 20'000) {
  std::vector<double> counts(kLogits.size());
  for (int i = 0; i < draws; ++i)
    counts[generate::sample(kLogits, {}, settings,
                            {static_cast<std::uint64_t>(i % 7), static_cast<std::uint64_t>(i)})] += 1;
  for (double& c : counts) c /= draws;
  return counts;
}

std::vector<double> softmax(double temperature, const std::set<int>& support) {
  std::vector<double> p(kLogits.size());
  double sum = 0;
  for (const int i : support) sum += p[i] = std::exp(kLogits[i] / temperature);
  for (double& x : p) x /= sum;
  return p;
}

void expect_near(const std::vector<double>& a, const std::vector<double>& b) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_NEAR(a[i], b[i], 4 * std::sqrt(0.25 / 20'000)) << "id " << i;
    if (b[i] == 0) {
      EXPECT_EQ(a[i], 0.0) << "id " << i;
    }
  }
}

}  // namespace

TEST(LogitProcessors, OrderAndValuesEqualTransformers) {
  const Golden golden("generation.safetensors");
  for (int n = 0; n < 13; ++n) {
    const std::string name = "processors." + std::to_string(n);
    const at::Tensor given = golden[name + ".settings"], seen = golden[name + ".seen"];
    const double* s = given.const_data_ptr<double>();
    const generate::SamplerSettings settings{.temperature = s[0],
                                             .top_k = static_cast<std::int64_t>(s[1]),
                                             .top_p = s[2],
                                             .min_p = s[3],
                                             .repetition_penalty = s[4]};
    at::Tensor logits = golden[name + ".logits"].clone();
    const std::span<float> row(logits.data_ptr<float>(), logits.numel());
    for (const generate::LogitProcessor& processor : generate::logit_processors())
      if (processor.wanted(settings))
        processor.apply(row, {seen.const_data_ptr<std::int32_t>(), static_cast<std::size_t>(seen.numel())},
                        settings);
    const at::Tensor theirs = golden[name + ".scores"];
    for (std::size_t id = 0; id < row.size(); ++id) {
      const float expected = theirs.const_data_ptr<float>()[id];
      if (std::isinf(expected)) {
        EXPECT_EQ(row[id], expected) << name << " id " << id;
      } else {
        EXPECT_NEAR(row[id], expected, 1e-6 * std::abs(expected)) << name << " id " << id;
      }
    }
  }
}

TEST(Sampler, TemperatureZeroTakesTheFirstOfTheLikeliest) {
  EXPECT_EQ(generate::sample(kLogits, {}, {.temperature = 0}, {}), 1);
  EXPECT_EQ(generate::sample(kLogits, {}, {.temperature = 0, .top_k = 1, .top_p = 0.1, .seed = 9}, {5, 5}),
            1);
}

TEST(Sampler, DrawsByProbabilityAtEachTemperature) {
  for (const double temperature : {0.5, 1.0, 3.0})
    expect_near(frequencies({.temperature = temperature}), softmax(temperature, {0, 1, 2, 3, 4, 5}));
}

TEST(Sampler, TopKKeepsTheLikeliest) {
  expect_near(frequencies({.temperature = 1, .top_k = 3}), softmax(1, {1, 2, 3}));
  expect_near(frequencies({.temperature = 1, .top_k = 1}), softmax(1, {1, 3}));  // equally likely
  expect_near(frequencies({.temperature = 1, .top_k = 100}), softmax(1, {0, 1, 2, 3, 4, 5}));
}

TEST(Sampler, TopPKeepsTheSmallestSetThatReachesIt) {
  // Probabilities from the top: 0.399, 0.399, 0.147, 0.054, ...
  expect_near(frequencies({.temperature = 1, .top_p = 0.3}), softmax(1, {1}));
  expect_near(frequencies({.temperature = 1, .top_p = 0.6}), softmax(1, {1, 3}));
  expect_near(frequencies({.temperature = 1, .top_p = 0.9}), softmax(1, {1, 2, 3}));
  expect_near(frequencies({.temperature = 1, .top_k = 2, .top_p = 0.9}), softmax(1, {1, 3}));
}

TEST(Sampler, MinPKeepsWhatIsLikelyEnoughBesideTheLikeliest) {
  // Probabilities over the likeliest's: 1, 1, 0.368, 0.135, 0.082, 0.018.
  expect_near(frequencies({.temperature = 1, .min_p = 0.3}), softmax(1, {1, 2, 3}));
  expect_near(frequencies({.temperature = 1, .min_p = 0.05}), softmax(1, {0, 1, 2, 3, 5}));
  expect_near(frequencies({.temperature = 1, .min_p = 1}), softmax(1, {1, 3}));
}

TEST(Sampler, GreedyHeedsTheRepetitionPenalty) {
  const std::vector<std::int32_t> seen = {1, 3, 1};
  EXPECT_EQ(generate::sample(kLogits, seen, {.temperature = 0, .repetition_penalty = 2}, {}), 2);
  EXPECT_EQ(generate::sample(kLogits, seen, {.temperature = 0, .repetition_penalty = 1.4}, {}), 1);
}

TEST(Sampler, ExtremeLogitsDrawTheOnlyChoice) {
  const std::vector<float> logits = {-1e30f, 1e30f, -INFINITY};
  for (std::uint64_t i = 0; i < 100; ++i)
    EXPECT_EQ(generate::sample(logits, {}, {.temperature = 1.5}, {0, i}), 1);
}

TEST(SamplerOnCuda, RepetitionPenaltyOfManyRowsEqualsTheProcessor) {
  const std::vector<std::vector<std::int32_t>> seen = {{1, 4, 1}, {}, {0, 1, 2, 3, 4, 5}};
  const at::Tensor row = at::tensor(at::ArrayRef<float>(kLogits));
  at::Tensor logits = row.repeat({3, 1});
  const std::vector<generate::Seen> spans(seen.begin(), seen.end());
  generate::penalise_repetition(logits, spans, 1.3);
  for (std::size_t r = 0; r < seen.size(); ++r) {
    std::vector<float> expected = kLogits;
    generate::logit_processors()[0].apply(expected, seen[r], {.repetition_penalty = 1.3});
    EXPECT_TRUE(at::allclose(logits[static_cast<std::int64_t>(r)], at::tensor(at::ArrayRef<float>(expected))))
        << r;
  }
}

}  // namespace hone::test
