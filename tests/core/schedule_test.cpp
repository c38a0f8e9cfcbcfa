// Learning-rate schedules against transformers' and torch's values at every step.
#include "core/optim/schedule.h"

#include <gtest/gtest.h>

#include "core/base/error.h"
#include "tests/core/golden.h"

namespace hone::test {
namespace {

struct Case {
  std::string name;  // of the golden row
  ScheduleOptions options;
};

// tests/golden/core/make_optim_goldens.py, make_schedules.
const std::vector<Case> kCases = {
    {"constant_with_warmup", {.name = "constant_with_warmup"}},
    {"constant_with_warmup", {.name = "constant"}},
    {"cosine.cycles", {.name = "cosine", .num_cycles = 1.25}},
    {"cosine_with_restarts", {.name = "cosine_with_restarts"}},
    {"cosine_with_restarts.cycles", {.name = "cosine_with_restarts", .num_cycles = 3}},
    {"cosine_with_min_lr", {.name = "cosine_with_min_lr", .min_lr_ratio = 0.1}},
    {"polynomial", {.name = "polynomial"}},
    {"polynomial.power", {.name = "polynomial", .power = 2.5, .lr_end = 1e-4}},
    {"inverse_sqrt", {.name = "inverse_sqrt"}},
    {"inverse_sqrt.timescale", {.name = "inverse_sqrt", .timescale = 7}},
    {"warmup_stable_decay", {.name = "warmup_stable_decay", .num_decay_steps = 4}},
    {"warmup_stable_decay.linear",
     {.name = "warmup_stable_decay",
      .min_lr_ratio = 0.2,
      .num_decay_steps = 5,
      .warmup_type = "cosine",
      .decay_type = "linear"}},
    {"warmup_stable_decay.sqrt",
     {.name = "warmup_stable_decay", .num_decay_steps = 5, .warmup_type = "1-sqrt", .decay_type = "1-sqrt"}},
    {"step", {.name = "step", .step_size = 4}},
    {"step.gamma", {.name = "step", .step_size = 3, .gamma = 0.5}},
    {"exponential", {.name = "exponential", .gamma = 0.9}},
};

void expect_refused(const ScheduleOptions& options, const OptimOptions& optim, const std::string& naming) {
  try {
    optim::make_schedule(options, optim, 10);
    FAIL() << naming;
  } catch (const Error& e) {
    EXPECT_EQ(e.exit(), Exit::usage);
    EXPECT_NE(std::string(e.what()).find(naming), std::string::npos) << e.what();
  }
}

}  // namespace

TEST(Schedule, EqualsTransformersAtEveryStep) {
  const Golden golden("schedules.safetensors");
  ASSERT_EQ(golden.file().entries().size(), 18u);
  for (const auto& entry : golden.file().entries()) {
    const std::string& key = entry.info.name;  // <name>.warmup<w>.total<T>
    const std::size_t warmup = key.find(".warmup"), total = key.find(".total");
    const auto schedule = optim::make_schedule(
        {.name = key.substr(0, warmup), .warmup_steps = std::stol(key.substr(warmup + 7))}, {},
        std::stol(key.substr(total + 6)));
    const at::Tensor expected = golden[key];
    for (std::int64_t t = 0; t < expected.size(0); ++t)
      EXPECT_NEAR(schedule(t), expected[t].item<double>(), 1e-15) << key << " at " << t;
  }
}

TEST(Schedule, EveryShapeAndParameterEqualsThePeerAtEveryStepAndBeyond) {
  const Golden golden("all_schedules.safetensors");
  for (Case c : kCases) {
    for (const std::int64_t warmup : {0, 3}) {
      for (const std::int64_t total : {10, 41}) {
        c.options.warmup_steps = warmup;
        const auto schedule = optim::make_schedule(c.options, {.lr = 2e-3}, total);
        const at::Tensor expected =
            golden[c.name + "/warmup" + std::to_string(warmup) + "/total" + std::to_string(total)];
        for (std::int64_t t = 0; t < expected.size(0); ++t)
          EXPECT_NEAR(schedule(t), expected[t].item<double>(), 2e-15)
              << c.name << " " << warmup << " at " << t;
      }
    }
  }
}

TEST(Schedule, WarmupAsAShareIsRoundedUpAndYieldsToSteps) {
  EXPECT_EQ(optim::warmup_steps({.warmup_ratio = 0.03}, 101), 4);
  EXPECT_EQ(optim::warmup_steps({.warmup_steps = 7, .warmup_ratio = 0.5}, 100), 7);
  EXPECT_EQ(optim::warmup_steps({}, 100), 0);
}

TEST(Schedule, FallOfWarmupStableDecayIsATenthWhereNotSaid) {
  const auto schedule = optim::make_schedule({.name = "warmup_stable_decay"}, {}, 41);
  EXPECT_EQ(schedule(36), 1.0);  // ceil(41 / 10) = 5 steps of fall, the first of them at the peak
  EXPECT_LT(schedule(37), 1.0);
}

TEST(Schedule, WhatCannotBeIsRefusedByTheKeyThatSaysSo) {
  expect_refused({.name = "cosin"}, {}, "cosine");
  expect_refused({.name = "step"}, {}, "schedule.step_size");
  expect_refused({.name = "exponential"}, {}, "schedule.gamma");
  expect_refused({.name = "polynomial", .lr_end = 1e-3}, {.lr = 1e-3}, "schedule.lr_end");
  expect_refused({.name = "warmup_stable_decay", .warmup_steps = 8, .num_decay_steps = 3}, {},
                 "schedule.num_decay_steps");
  expect_refused({}, {.name = "adamw", .relative_step = true}, "optim.relative_step");
  expect_refused({}, {.name = "adafactor", .warmup_init = true}, "optim.warmup_init");
}

}  // namespace hone::test
