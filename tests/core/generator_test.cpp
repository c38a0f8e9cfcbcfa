// Generation with cached keys and values.
#include "core/generate/generator.h"

#include <gtest/gtest.h>

#include <map>

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
  const auto answers = generate::generate(model, golden_prompts(), settings,
                                          {.done = [&](std::size_t prompt, const Answer& answer) {
                                            EXPECT_TRUE(seen.emplace(prompt, answer).second);
                                          }});
  for (std::size_t p = 0; p < full.size(); ++p) {
    auto end =
        std::find_first_of(full[p].begin(), full[p].end(), settings.end_ids.begin(), settings.end_ids.end());
    if (end != full[p].end()) ++end;
    EXPECT_EQ(answers[p], Answer(full[p].begin(), end));
    EXPECT_EQ(seen.at(p), answers[p]);
  }
  EXPECT_EQ(answers[1].size(), 1u);
}

TEST(Generator, GreedyIdsUnderARepetitionPenaltyEqualTransformers) {
  const model::Model model = build("tiny_llama", {});
  const Golden golden("generation.safetensors");
  for (int n = 0; n < 6; ++n) {
    const std::string name = "greedy." + std::to_string(n);
    GenerateSettings settings{.max_new_tokens = 16};
    settings.sampler.repetition_penalty = golden[name + ".penalty"].item<double>();
    EXPECT_EQ(generate::generate(model, {{0, ids_of(golden[name + ".prompt"])}}, settings).at(0),
              ids_of(golden[name + ".ids"]))
        << name;
  }
}

TEST(Generator, AWatcherSeesEachIdAndEndsAnAnswerWhereItSays) {
  const model::Model model = build("tiny_llama", {});
  const std::vector<Answer> full = golden_answers();
  std::vector<Answer> seen(3);
  const auto stop = [&](std::size_t prompt, std::int32_t id) {
    seen[prompt].push_back(id);
    return prompt == 1 && seen[1].size() == 5;
  };
  const auto answers =
      generate::generate(model, golden_prompts(), {.max_new_tokens = 16, .group = 2}, {.stop = stop});
  EXPECT_EQ(answers, seen);
  EXPECT_EQ(answers[0], full[0]);
  EXPECT_EQ(answers[1], Answer(full[1].begin(), full[1].begin() + 5));
  EXPECT_EQ(answers[2], full[2]);
}

TEST(Conversation, TurnsEqualGenerationFromTheWholeText) {
  const model::Model model = build("tiny_llama", {});
  GenerateSettings settings{.sampler = {.temperature = 0.8, .seed = 5}, .max_new_tokens = 8};
  settings.sampler.repetition_penalty = 1.1;
  generate::Conversation conversation(model, settings);
  std::vector<std::int32_t> text = golden_prompts()[0].ids;
  for (std::uint64_t turn = 0; turn < 5; ++turn) {  // outgrows its cache on the way
    const Prompt prompt{turn, text};
    const Answer answer = conversation.answer(prompt);
    EXPECT_EQ(answer, generate::generate(model, {prompt}, settings).at(0)) << "turn " << turn;
    text.insert(text.end(), answer.begin(), answer.end());
    text.insert(text.end(), {7, 8, static_cast<std::int32_t>(turn)});
  }
  const Prompt earlier{9, golden_prompts()[0].ids};  // what is cached goes further than this
  EXPECT_EQ(conversation.answer(earlier), generate::generate(model, {earlier}, settings).at(0));
  const Prompt other{10, golden_prompts()[1].ids};
  EXPECT_EQ(conversation.answer(other), generate::generate(model, {other}, settings).at(0));
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

}  // namespace hone::test
