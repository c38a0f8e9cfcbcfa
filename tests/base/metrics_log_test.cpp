#include "core/base/metrics_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "core/base/error.h"
#include "core/base/run_status.h"
#include "tests/base/temporary_folder.h"

namespace hone {
namespace {

OrderedJson row(const char* kind, int step) { return {{"kind", kind}, {"step", step}, {"loss", 1.0 / step}}; }

std::vector<std::string> steps_of(const std::string& path) {
  std::vector<std::string> out;
  for (const OrderedJson& r : read_metrics(path))
    out.push_back(r["kind"].get<std::string>() + std::to_string(r["step"].get<int>()));
  return out;
}

void expect_error(Exit exit, const std::string& text, const std::function<void()>& act) {
  try {
    act();
    FAIL() << "expected " << text;
  } catch (const Error& error) {
    EXPECT_EQ(error.exit(), exit) << error.what();
    EXPECT_THAT(error.what(), testing::HasSubstr(text));
  }
}

TEST(MetricsLog, KeepsTheOrderOfKeysAndEveryDigit) {
  const TemporaryFolder folder;
  const std::string path = folder.file("metrics.jsonl");
  const double awkward = 0.1 + 0.2;
  MetricsLog log(path, std::nullopt);
  log.write({{"kind", "train"}, {"step", 1}, {"loss", awkward}, {"a", 5e-324}, {"lr", 2e-4}});
  EXPECT_EQ(folder.read("metrics.jsonl"),  // already there while the log is open
            "{\"kind\":\"train\",\"step\":1,\"loss\":0.30000000000000004,\"a\":5e-324,\"lr\":0.0002}\n");
  const auto rows = read_metrics(path);
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0]["loss"].get<double>(), awkward);
  EXPECT_EQ(rows[0]["a"].get<double>(), std::numeric_limits<double>::denorm_min());
}

TEST(MetricsLog, ResumeDropsLaterRowsAndGoesOn) {
  const TemporaryFolder folder;
  const std::string path = folder.file("metrics.jsonl");
  {
    MetricsLog log(path, std::nullopt);
    for (int step = 1; step <= 5; ++step) log.write(row("train", step));
    log.write(row("eval", 3));
    log.write(row("eval", 5));
  }
  MetricsLog log(path, 3);
  log.write(row("train", 4));
  EXPECT_THAT(steps_of(path), testing::ElementsAre("train1", "train2", "train3", "eval3", "train4"));
}

TEST(MetricsLog, ResumeDropsATornLastLineAtEveryLength) {
  const TemporaryFolder folder;
  const std::string path = folder.file("metrics.jsonl");
  const std::string first = row("train", 1).dump() + "\n", second = row("train", 2).dump() + "\n";
  for (std::size_t length = 0; length < second.size(); ++length) {
    folder.write("metrics.jsonl", first + second.substr(0, length));
    MetricsLog log(path, 7);
    log.write(row("train", 2));
    EXPECT_EQ(folder.read("metrics.jsonl"), first + second) << length;
  }
}

TEST(MetricsLog, ResumeWithoutAFileStartsOne) {
  const TemporaryFolder folder;
  MetricsLog log(folder.file("metrics.jsonl"), 7);
  log.write(row("train", 8));
  EXPECT_THAT(steps_of(folder.file("metrics.jsonl")), testing::ElementsAre("train8"));
}

TEST(MetricsLog, ANewRunReplacesTheFile) {
  const TemporaryFolder folder;
  const std::string path = folder.write("metrics.jsonl", "anything\n");
  MetricsLog log(path, std::nullopt);
  EXPECT_EQ(folder.read("metrics.jsonl"), "");
}

TEST(MetricsLog, DamageInTheMiddleIsRefusedByLineAndNothingIsLost) {
  const TemporaryFolder folder;
  const std::string good = row("train", 1).dump() + "\n";
  for (const char* bad : {"{\"kind\":\n", "7\n", "{\"step\":\"x\"}\n", "\n", "{\"step\":1,\"step\":2}\n"}) {
    const std::string text = good + bad + good;
    const std::string path = folder.write("metrics.jsonl", text);
    expect_error(Exit::input, "metrics.jsonl:2", [&] { MetricsLog(path, 9); });
    EXPECT_EQ(folder.read("metrics.jsonl"), text);
  }
}

TEST(MetricsLog, WhatCannotBeWrittenIsExitEight) {
  expect_error(Exit::output, "error[ML001]", [] { MetricsLog("/nonexistent/metrics.jsonl", std::nullopt); });
  MetricsLog full("/dev/full", std::nullopt);
  expect_error(Exit::output, "No space left", [&] { full.write(row("train", 1)); });
}

TEST(RunStatus, RoundTripsAndIsReplacedWhole) {
  const TemporaryFolder folder;
  write_status(folder.path(), {.state = "training", .step = 12, .message = ""});
  EXPECT_EQ(read_status(folder.path()).state, "training");
  EXPECT_FALSE(read_status(folder.path()).exit_code);
  write_status(folder.path(), {.state = "failed", .step = 13, .message = "error[X]: \xff", .exit_code = 6});
  const RunStatus status = read_status(folder.path());
  EXPECT_EQ(status.step, 13);
  EXPECT_EQ(status.exit_code, 6);
  expect_error(Exit::output, "status.json", [] { write_status("/nonexistent", {}); });
  expect_error(Exit::input, "status.json", [] { read_status("/nonexistent"); });
}

}  // namespace
}  // namespace hone
