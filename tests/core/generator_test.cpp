// Generation with cached keys and values, and the sampler.
#include "core/generate/generator.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

#include "core/base/error.h"
#include "tests/core/golden.h"

namespace hone::test {
namespace {

using generate::Answer;
using generate::GenerateSettings;
using generate::Prompt;

std::vector<std::int32_t> ids_of(const at::Tensor& t) {
  const at::Tensor ints = t.to(at::kInt).contiguous();
  return {ints.const_data_ptr<std::int32_t>(), ints.const_data_ptr<std::int32_t>() + ints.numel()};
}

std::vector<Prompt> golden_prompts() {
  const Golden golden("generate.safetensors");
  std::vector<Prompt> prompts;
  for (std::uint64_t i = 0; i < 3; ++i) prompts.push_back({i, ids_of(golden[std::to_string(i) + ".prompt"])});
  return prompts;
}

std::vector<Answer> golden_answers() {
  const Golden golden("generate.safetensors");
  std::vector<Answer> answers;
  for (int i = 0; i < 3; ++i) answers.push_back(ids_of(golden[std::to_string(i) + ".ids"]));
  return answers;
}

// The likeliest next token after all of `ids`, from a pass over the whole of them.
std::int32_t next_by_full_pass(const model::Model& model, const std::vector<std::int32_t>& ids) {
  TokenBatch batch;
  batch.tokens = ids;
  for (std::size_t i = 0; i < ids.size(); ++i) batch.positions.push_back(static_cast<std::int32_t>(i));
  batch.cu_seqlens.push_back(static_cast<std::int32_t>(ids.size()));
  batch.sample = {0}, batch.slot = {0}, batch.prefix = {-1};
  const at::Tensor hidden = model.forward(batch, {});
  return at::mv(model.head().weight->acquire(), hidden[-1]).argmax().item<std::int32_t>();
}

}  // namespace

TEST(Generator, GreedyIdsEqualTransformers) {
  const model::Model model = build("tiny_llama", {});
  EXPECT_EQ(generate::generate(model, golden_prompts(), {.max_new_tokens = 16}), golden_answers());
}

TEST(Generator, CachedStepsChooseWhatAFullPassChooses) {
  const formats::PeftAdapter adapter(golden_path("tiny_adapter"));
  const model::Model model = build("tiny_llama", {.frozen_adapters = {&adapter}});
  const std::vector<Prompt> prompts = golden_prompts();
  const std::vector<Answer> answers = generate::generate(model, prompts, {.max_new_tokens = 12, .group = 2});
  for (std::size_t p = 0; p < prompts.size(); ++p) {
    std::vector<std::int32_t> ids = prompts[p].ids;
    ASSERT_EQ(answers[p].size(), 12u);
    for (const std::int32_t id : answers[p]) {
      ASSERT_EQ(id, next_by_full_pass(model, ids)) << "prompt " << p << " at " << ids.size();
      ids.push_back(id);
    }
  }
}

TEST(Generator, AnAnswerDoesNotDependOnItsGroup) {
  const model::Model model = build("tiny_llama", {});
  std::vector<Prompt> prompts = golden_prompts();
  prompts.push_back({3, {9, 9, 9}}), prompts.push_back({4, {250}});
  GenerateSettings settings{.sampler = {.temperature = 0.9, .top_k = 50, .top_p = 0.95, .seed = 3},
                            .max_new_tokens = 10};
  settings.end_ids = {17, 99, 140};  // some answers end earlier than others
  const std::vector<Answer> together = generate::generate(model, prompts, settings);
  for (const std::int64_t group : {1, 2, 3}) {
    settings.group = group;
    EXPECT_EQ(generate::generate(model, prompts, settings), together) << "group " << group;
  }
  std::reverse(prompts.begin(), prompts.end());  // nor on its place: the index is what counts
  std::vector<Answer> turned = generate::generate(model, prompts, settings);
  std::reverse(turned.begin(), turned.end());
  EXPECT_EQ(turned, together);
}

TEST(Generator, SamplesFollowTheSeed) {
  const model::Model model = build("tiny_llama", {});
  GenerateSettings settings{.sampler = {.temperature = 1.0, .seed = 1}, .max_new_tokens = 12};
  const auto first = generate::generate(model, golden_prompts(), settings);
  EXPECT_EQ(generate::generate(model, golden_prompts(), settings), first);
  settings.sampler.seed = 2;
  EXPECT_NE(generate::generate(model, golden_prompts(), settings), first);
}

TEST(Generator, EndsAtAnyEndIdWhichIsPartOfTheAnswer) {
  const model::Model model = build("tiny_llama", {});
  const std::vector<Answer> full = golden_answers();
  GenerateSettings settings{.max_new_tokens = 16};
  settings.end_ids = {full[0][4], full[1][0]};
  std::map<std::size_t, Answer> seen;
  const auto answers = generate::generate(
      model, golden_prompts(), settings,
      [&](std::size_t prompt, const Answer& answer) { EXPECT_TRUE(seen.emplace(prompt, answer).second); });
  for (std::size_t p = 0; p < full.size(); ++p) {
    auto end =
        std::find_first_of(full[p].begin(), full[p].end(), settings.end_ids.begin(), settings.end_ids.end());
    if (end != full[p].end()) ++end;
    EXPECT_EQ(answers[p], Answer(full[p].begin(), end));
    EXPECT_EQ(seen.at(p), answers[p]);
  }
  EXPECT_EQ(answers[1].size(), 1u);
}

TEST(Generator, AdaptersTakePartAsAsked) {
  const formats::PeftAdapter adapter(golden_path("tiny_adapter"));
  const model::Model with = build("tiny_llama", {.frozen_adapters = {&adapter}});
  GenerateSettings settings{.max_new_tokens = 16};
  EXPECT_NE(generate::generate(with, golden_prompts(), settings), golden_answers());
  settings.adapters = nn::AdapterMode::none;
  EXPECT_EQ(generate::generate(with, golden_prompts(), settings), golden_answers());
}

TEST(Generator, AnEmptyPromptIsAnErrorNotACrash) {
  const model::Model model = build("tiny_llama", {});
  EXPECT_THROW(generate::generate(model, {{0, {}}}, {}), Error);
}

// ---- the sampler
// ------------------------------------------------------------------------------------------------

namespace {

const std::vector<float> kLogits = {1.0f, 3.0f, 2.0f, 3.0f, -1.0f, 0.5f};

std::vector<double> frequencies(const generate::SamplerSettings& settings, int draws = 20'000) {
  std::vector<double> counts(kLogits.size());
  for (int i = 0; i < draws; ++i)
    counts[generate::sample(kLogits, settings,
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

TEST(Sampler, TemperatureZeroTakesTheFirstOfTheLikeliest) {
  EXPECT_EQ(generate::sample(kLogits, {.temperature = 0}, {}), 1);
  EXPECT_EQ(generate::sample(kLogits, {.temperature = 0, .top_k = 1, .top_p = 0.1, .seed = 9}, {5, 5}), 1);
}

TEST(Sampler, DrawsByProbabilityAtEachTemperature) {
  for (const double temperature : {0.5, 1.0, 3.0})
    expect_near(frequencies({.temperature = temperature}), softmax(temperature, {0, 1, 2, 3, 4, 5}));
}

TEST(Sampler, TopKKeepsTheLikeliest) {
  expect_near(frequencies({.temperature = 1, .top_k = 3}), softmax(1, {1, 2, 3}));
  expect_near(frequencies({.temperature = 1, .top_k = 1}), softmax(1, {1}));
  expect_near(frequencies({.temperature = 1, .top_k = 100}), softmax(1, {0, 1, 2, 3, 4, 5}));
}

TEST(Sampler, TopPKeepsTheSmallestSetThatReachesIt) {
  // Probabilities from the top: 0.399, 0.399, 0.147, 0.054, ...
  expect_near(frequencies({.temperature = 1, .top_p = 0.3}), softmax(1, {1}));
  expect_near(frequencies({.temperature = 1, .top_p = 0.6}), softmax(1, {1, 3}));
  expect_near(frequencies({.temperature = 1, .top_p = 0.9}), softmax(1, {1, 2, 3}));
  expect_near(frequencies({.temperature = 1, .top_k = 2, .top_p = 0.9}), softmax(1, {1, 3}));
}

TEST(Sampler, ExtremeLogitsDrawTheOnlyChoice) {
  const std::vector<float> logits = {-1e30f, 1e30f, -INFINITY};
  for (std::uint64_t i = 0; i < 100; ++i)
    EXPECT_EQ(generate::sample(logits, {.temperature = 1.5}, {0, i}), 1);
}

}  // namespace hone::test
