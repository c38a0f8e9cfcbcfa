#include <cmath>

#include "core/base/error.h"
#include "launcher/report/run_input.h"
#include "launcher/report/summary.h"
#include "run_folder.h"

namespace hone::report {
namespace {

TEST(LoadRun, ReadsEveryFileOfARun) {
  const ReportInput run = load_run(kTinyRun + "/");
  EXPECT_EQ(run.name, "tiny");
  EXPECT_EQ(run.setting("model.quantize"), "nf4");
  EXPECT_EQ(run.train.steps.size(), 20u);
  EXPECT_EQ(run.eval.steps.size(), 4u);
  EXPECT_EQ(run.status->state, "done");
  EXPECT_EQ(run.facts.trainable_parameters, 4884480);
  EXPECT_EQ(run.timing->phases.at(1).max, 42);
  EXPECT_EQ(run.comparison->rows.at(2).scores.at("exact_match"), 0.621);
  EXPECT_EQ(run.comparison->rows.at(2).scores.at("bleu"), 41.5);
  EXPECT_TRUE(std::isnan(run.comparison->rows.at(2).scores.at("rouge2")));
  EXPECT_EQ(run.comparison->rows.at(0).errors->answers.at("too_long"), 431);
  EXPECT_EQ(run.comparison->rows.at(2).errors->examples.at("not_a_label"), "gamess");
  EXPECT_FALSE(run.comparison->rows.at(1).errors);
  EXPECT_TRUE(std::isnan(run.comparison->rows.at(1).loss));
  EXPECT_EQ(run.comparison->samples.at(0).tuned, "games");
  EXPECT_EQ(run.data.at(0).dropped.at(0).second, 3);
}

TEST(LoadRun, ANullInAMetricIsAGap) {
  const Points norms = load_run(kTinyRun).train.points("grad_norm");
  EXPECT_TRUE(std::isnan(norms.at(5).y));
  EXPECT_FALSE(std::isnan(norms.at(6).y));
  EXPECT_EQ(norms.size(), 20u);
}

TEST(LoadRun, SummaryOfTheTinyRun) {
  const Summary s = summarize(load_run(kTinyRun));
  EXPECT_EQ(s.best_eval->x, 20);
  EXPECT_EQ(s.tokens, 14000);
  EXPECT_DOUBLE_EQ(s.tokens_per_second, 200);
  EXPECT_EQ(s.seconds, 84.5);
  EXPECT_EQ(s.ranks, 2);
}

TEST(LoadRun, WallTimeOfAResumedRunIsAtLeastThatOfItsSteps) {
  ReportInput run = load_run(kTinyRun);
  run.facts.seconds = kNotMeasured;
  run.timing->seconds = 30;
  EXPECT_EQ(summarize(run).seconds, 70);
  run.timing.reset();
  EXPECT_EQ(summarize(run).seconds, 70);
}

TEST(LoadRun, ConfigOrMetricsAloneAreARun) {
  const RunFolder folder;
  folder.write("config.cfg", "# nothing but\n[optim]\nlr = 1e-3 # not a comment\n");
  EXPECT_EQ(load_run(folder.path()).setting("optim.lr"), "1e-3 # not a comment");
  EXPECT_TRUE(load_run(folder.path()).train.steps.empty());
}

TEST(LoadRun, ALastLineCutOffInWritingIsLeftOut) {
  const RunFolder folder;
  folder.write("metrics.jsonl", "{\"kind\":\"train\",\"step\":1,\"loss\":2}\n{\"kind\":\"train\",\"st");
  EXPECT_EQ(load_run(folder.path()).train.steps.size(), 1u);
}

TEST(LoadRun, ColumnsThatComeAndGoStayInLine) {
  const RunFolder folder;
  folder.write("metrics.jsonl",
               "{\"kind\":\"train\",\"step\":1}\n{\"kind\":\"train\",\"step\":2,\"x/"
               "y\":5}\n{\"kind\":\"train\",\"step\":3}\n");
  const Points points = load_run(folder.path()).train.points("x/y");
  ASSERT_EQ(points.size(), 3u);
  EXPECT_EQ(points[1].y, 5);
  EXPECT_TRUE(std::isnan(points[0].y) && std::isnan(points[2].y));
}

struct BadFile {
  const char* file;
  const char* content;
  Exit exit;
  const char* said;
};

class BadRunFile : public testing::TestWithParam<BadFile> {};

TEST_P(BadRunFile, IsRefusedByName) {
  const RunFolder folder;
  folder.copy_tiny();
  folder.write(GetParam().file, GetParam().content);
  try {
    load_run(folder.path());
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.exit(), GetParam().exit) << error.what();
    EXPECT_NE(std::string(error.what()).find(GetParam().file), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find(GetParam().said), std::string::npos) << error.what();
  }
}

INSTANTIATE_TEST_SUITE_P(
    Malformed, BadRunFile,
    testing::Values(
        BadFile{"metrics.jsonl", "{\"kind\":\"train\",\"step\":1}\nnonsense\n", Exit::input,
                "metrics.jsonl:2"},
        BadFile{"metrics.jsonl", "{\"kind\":\"test\",\"step\":1}\n", Exit::input, "kind"},
        BadFile{"metrics.jsonl", "{\"step\":1}\n", Exit::input, "kind"},
        BadFile{"metrics.jsonl", "{\"kind\":\"train\"}\n", Exit::input, "step"},
        BadFile{"metrics.jsonl", "{\"kind\":\"train\",\"step\":2}\n{\"kind\":\"train\",\"step\":2}\n",
                Exit::input, "metrics.jsonl:2"},
        BadFile{"config.cfg", "[model]\nno equals sign\n", Exit::usage, "config.cfg:2"},
        BadFile{"status.json", "[]", Exit::input, "status"},
        BadFile{"run.json", "{\"ranks\":\"two\"}", Exit::input, "ranks"},
        BadFile{"run.json", "[1]", Exit::input, "object"},
        BadFile{"timing.json", "{}", Exit::input, "phases"},
        BadFile{"timing.json", "{\"phases\":[{\"name\":\"forward\",\"min\":1,\"avg\":2}]}", Exit::input,
                "max"},
        BadFile{"timing.json", "{\"phases\":[{\"name\":\"forward\",\"min\":3,\"avg\":2,\"max\":4}]}",
                Exit::input, "forward"},
        BadFile{"timing.json", "{\"phases\":7}", Exit::input, "list"},
        BadFile{"comparison.json", "{\"rows\":[{\"name\":\"base\",\"exact_match\":62}]}", Exit::input,
                "exact_match"},
        BadFile{"comparison.json", "{\"rows\":[],\"samples\":[{\"prompt\":\"x\"}]}", Exit::input, "expected"},
        BadFile{"data.json", "{\"sets\":[{\"name\":\"train\",\"dropped\":{\"why\":\"many\"}}]}", Exit::input,
                "why"},
        BadFile{"data.json", "{\"sets\":", Exit::input, "JSON"}));

TEST(LoadRun, WhatIsNoRunIsRefused) {
  const RunFolder folder;
  for (const std::string& path : {folder.path(), folder.path() + "/missing", kTinyRun + "/config.cfg"}) {
    try {
      load_run(path);
      FAIL() << path;
    } catch (const Error& error) {
      EXPECT_EQ(error.exit(), Exit::input);
    }
  }
}

}  // namespace
}  // namespace hone::report
