#include "core/eval/answer_errors.h"

#include <gtest/gtest.h>

namespace hone::eval {
namespace {

using Keys = std::vector<std::string>;

TEST(AnswerErrors, RepetitionIsTheShareOfRunsOfFourWordsThatWereThereBefore) {
  EXPECT_EQ(repetition("one two three"), 0);
  EXPECT_EQ(repetition("one two three four five six"), 0);
  EXPECT_DOUBLE_EQ(repetition("no no no no no no"), 2.0 / 3);  // three runs, one distinct
  EXPECT_DOUBLE_EQ(repetition("a b c d a b c d"), 1.0 / 5);    // five runs, the last was there before
  EXPECT_GT(repetition("it is so and so it is so and so it is so and so"), 0.5);
}

TEST(AnswerErrors, SpellingLooksAtWordsOfLettersAlone) {
  const std::unordered_set<std::string> list = {"the", "cat", "don't", "über", "sat"};
  const auto counts = [&](std::string_view text) {
    const Spelling s = check_spelling(text, list);
    return std::pair(s.words, s.unknown);
  };
  EXPECT_EQ(counts("The cat SAT."), std::pair(3L, 0L));
  EXPECT_EQ(counts("Teh cat"), std::pair(2L, 1L));
  EXPECT_EQ(counts("'The' cat's don't don’t ÜBER"), std::pair(5L, 0L));
  EXPECT_EQ(counts("x86 2nd 42 (cat)"), std::pair(1L, 0L)) << "what holds digits is no word";
  EXPECT_EQ(counts(" \xFF ... "), std::pair(0L, 0L));
}

TEST(AnswerErrors, EachAnswerFailsTheChecksThatFitIt) {
  const AnswerRules rules{{"net", "libs", "no"}, {"net", "libs"}};
  ErrorAnalysis analysis(rules);
  EXPECT_EQ(analysis.add(" net\n", false), Keys{});
  EXPECT_EQ(analysis.add(" \n", false), (Keys{"empty", "not_a_label"}));
  EXPECT_EQ(analysis.add("libs", true), Keys{"too_long"});
  EXPECT_EQ(analysis.add("no no no no no no", false), (Keys{"repetitive", "not_a_label"}));
  EXPECT_EQ(analysis.add("Netz", false), (Keys{"misspelt", "not_a_label"}));
  const AnswerErrors errors = analysis.errors();
  EXPECT_EQ(errors.answers, 5);
  EXPECT_EQ(errors.with_errors, 4);
  EXPECT_EQ(errors.failing,
            (std::map<std::string, std::int64_t>{
                {"empty", 1}, {"too_long", 1}, {"repetitive", 1}, {"misspelt", 1}, {"not_a_label", 3}}));
  EXPECT_EQ(errors.example.at("not_a_label"), " \n") << "the first";
  EXPECT_DOUBLE_EQ(errors.repetition, 2.0 / 3 / 5);
  EXPECT_DOUBLE_EQ(errors.unknown_words, 1.0 / 9);
}

TEST(AnswerErrors, WhatThereAreNoRulesForIsNotLookedAt) {
  const AnswerRules rules;
  ErrorAnalysis analysis(rules);
  EXPECT_EQ(analysis.add("qwxz", false), Keys{});
  EXPECT_FALSE(analysis.errors().failing.contains("misspelt"));
  EXPECT_FALSE(analysis.errors().failing.contains("not_a_label"));
  EXPECT_TRUE(analysis.errors().failing.contains("empty"));
}

TEST(AnswerErrors, AnExampleIsCutBetweenCharacters) {
  const AnswerRules rules;
  ErrorAnalysis analysis(rules);
  std::string answer = "x";
  for (int i = 0; i < 300; ++i) answer += "ü";
  analysis.add(answer, true);
  const std::string example = analysis.errors().example.at("too_long");
  EXPECT_LT(example.size(), 310u);
  EXPECT_TRUE(example.ends_with("ü…")) << example;
}

}  // namespace
}  // namespace hone::eval
