// What [train] means and refuses, before anything is loaded.
#include "launcher/train_rules.h"

#include <gtest/gtest.h>

#include <map>

#include "core/base/error.h"
#include "launcher/micro_tokens.h"

namespace hone::launcher {
namespace {

std::string refusal(const Config& config) {
  try {
    require_possible(config);
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(error.exit(), Exit::usage);
    return error.what();
  }
}

void expect_refused(const Config& config, const std::string& key) {
  EXPECT_NE(refusal(config).find(key), std::string::npos) << key << ": " << refusal(config);
}

TEST(TrainRules, TheDefaultsArePossibleAndOnceAnEpoch) {
  Config config;
  EXPECT_EQ(refusal(config), "");
  config.train.steps = 12;
  const train::TrainPlan plan = make_plan(config.train);
  EXPECT_EQ(plan.total_steps, 12);
  EXPECT_EQ(plan.eval_every.epochs, 1);
  EXPECT_EQ(plan.save_every.epochs, 1);
  EXPECT_FALSE(plan.best.greater_is_better);
  EXPECT_EQ(config.train.greater_is_better, "false");  // resolved
  EXPECT_FALSE(time_limit(config.train).has_value());
}

TEST(TrainRules, AMetricKnowsItsWayAndMayBeTurned) {
  TrainOptions options;
  options.metric = "mean_token_accuracy";
  EXPECT_TRUE(make_plan(options).best.greater_is_better);
  options.greater_is_better = "false";
  EXPECT_FALSE(make_plan(options).best.greater_is_better);
}

TEST(TrainRules, SettingsOfAnotherOptimizerOrScheduleAreNamed) {
  Config config;
  EXPECT_TRUE(settings_without_effect(config).empty());
  config.optim.momentum = 0.9;
  config.schedule.power = 2;
  const std::vector<std::string> lines = settings_without_effect(config);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0], "optim.momentum = 0.9 changes nothing under optim.name adamw: it is for sgd");
  EXPECT_EQ(lines[1], "schedule.power = 2 changes nothing under schedule.name linear: it is for polynomial");
  config.optim.name = "sgd";
  config.schedule.name = "polynomial";
  EXPECT_TRUE(settings_without_effect(config).empty());
}

TEST(TrainRules, ARelativeStepLeavesNothingToTheSchedule) {
  Config config;
  config.optim.name = "adafactor";
  config.optim.relative_step = true;
  EXPECT_TRUE(settings_without_effect(config).empty());
  config.schedule.warmup_steps = 10;
  EXPECT_EQ(settings_without_effect(config).size(), 1u);
}

TEST(TrainRules, WhatNeedsHeldOutRowsIsRefusedWithout) {
  for (const auto& [key, set] : std::map<std::string, void (*)(TrainOptions&)>{
           {"train.early_stopping_patience", [](TrainOptions& t) { t.early_stopping_patience = 2; }},
           {"train.load_best", [](TrainOptions& t) { t.load_best = true; }},
           {"train.eval_on_start", [](TrainOptions& t) { t.eval_on_start = true; }}}) {
    Config config;
    set(config.train);
    expect_refused(config, key);
    config.train.folds = 5;  // a fold holds out its own
    EXPECT_EQ(refusal(config), "");
    config.train.folds = 0;
    config.data.eval = {"rows.jsonl"};
    EXPECT_EQ(refusal(config), "");
  }
}

TEST(TrainRules, KeysThatExcludeOneAnotherAreRefused) {
  Config folds;
  folds.train.folds = 5;
  folds.data.eval = {"rows.jsonl"};
  expect_refused(folds, "data.eval");
  folds.data.eval = {};
  folds.data.chunk = true;
  expect_refused(folds, "data.chunk");
  folds = {};
  folds.train.folds = 1;
  expect_refused(folds, "train.folds");
  Config start;
  start.train.init_optimizer = true;
  expect_refused(start, "train.init_optimizer");
  start.train.init_from = "step-00000001";
  EXPECT_EQ(refusal(start), "");
  start.adapter.init = "adapter";
  expect_refused(start, "train.init_from");
}

TEST(TrainRules, SpansAreReadBeforeAnythingIsLoaded) {
  Config config;
  config.train.save_every = "often";
  expect_refused(config, "train.save_every");
  config = {};
  config.train.max_time = "1h";
  EXPECT_EQ(time_limit(config.train), 3600);
  config.train.max_time = "1 h";
  expect_refused(config, "train.max_time");
}

TEST(MicroTokens, AreWhatFitsBetweenTheLongestRowAndTheStep) {
  const auto two_each = [](std::int64_t tokens) { return 2.0 * static_cast<double>(tokens); };
  EXPECT_EQ(fitting_tokens(1000, two_each, 100, 10000), 500);
  EXPECT_EQ(fitting_tokens(1000, two_each, 100, 300), 300);
  EXPECT_EQ(fitting_tokens(1000, two_each, 500, 600), 500);
  EXPECT_EQ(fitting_tokens(1000, two_each, 501, 600), 0);
  EXPECT_EQ(fitting_tokens(-1000, two_each, 1, 600), 0);
}

}  // namespace
}  // namespace hone::launcher
