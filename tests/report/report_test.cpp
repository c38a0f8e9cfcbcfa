#include "launcher/report/report.h"

#include <cmath>

#include "core/base/error.h"
#include "run_folder.h"

namespace hone::report {
namespace {

bool has(const std::string& page, std::string_view what) { return page.find(what) != std::string::npos; }

std::string page_of(const ReportInput& run) { return report_page({&run, 1}); }

// Names of the elements that are open at the end, or the tag that closes another than the innermost.
std::string unbalanced(const std::string& page) {
  std::vector<std::string> open;
  std::size_t at = page.find("<html");
  for (; at != std::string::npos; at = page.find('<', at + 1)) {
    const std::size_t end = page.find('>', at);
    const std::string tag = page.substr(at + 1, end - at - 1);
    if (tag.back() == '/') continue;
    if (tag.front() != '/') {
      open.push_back(tag.substr(0, tag.find(' ')));
    } else {
      if (open.empty() || open.back() != tag.substr(1)) return "wrong end " + tag;
      open.pop_back();
    }
  }
  return open.empty() ? "" : "open " + open.back();
}

TEST(Report, HoldsEveryPartOfARun) {
  const std::string page = page_of(load_run(kTinyRun));
  for (const char* part : {"tiny",
                           "SmolLM2-135M-Instruct",
                           "LoRA rank 16",
                           "Best held-out loss",
                           "Loss",
                           "Learning rate",
                           "Gradient norm",
                           "tokens per second",
                           "Memory",
                           "Where time went",
                           "backward",
                           "rest",
                           "Prepared data",
                           "53\u202f127",
                           "Base against tuned",
                           "0.621",
                           "BLEU",
                           "41.5",
                           "What is wrong with the answers",
                           "Too long",
                           "84.2",
                           "gamess",
                           "Sample answers",
                           "✓ right",
                           "✗ wrong",
                           "Config",
                           "default none",
                           "best 0.8"})
    EXPECT_TRUE(has(page, part)) << part;
  EXPECT_FALSE(has(page, "nan"));
  EXPECT_EQ(unbalanced(page), "");
}

TEST(Report, NeedsNothingFromElsewhere) {
  const std::string page = page_of(load_run(kTinyRun));
  for (const char* door :
       {"http:", "https:", "src=", "href=", "@import", "url(", "<script", "<link", "<iframe"})
    EXPECT_FALSE(has(page, door)) << door;
  EXPECT_TRUE(has(page, "default-src 'none'"));
  EXPECT_TRUE(has(page, "prefers-color-scheme:dark"));
}

TEST(Report, NoTextOfARunBecomesMarkup) {
  const std::string evil = "\"'><script>alert(1)</script><!--</style></title>";
  ReportInput run = load_run(kTinyRun);
  run.name = evil;
  run.config.push_back({"model." + evil, evil});
  for (Setting& setting : run.config) setting.value = evil;
  run.status->state = run.status->message = evil;
  run.facts.started = run.facts.host = run.facts.version = evil;
  run.train.columns["x/" + evil] = run.train.columns["loss"];
  run.eval.columns[evil] = run.eval.columns["loss"];
  for (Phase& phase : run.timing->phases) phase.name = evil;
  for (ComparisonRow& row : run.comparison->rows) {
    row.name = evil;
    if (row.errors) row.errors->examples = {{"too_long", evil}, {"not_a_label", evil}};
  }
  run.comparison->samples = {{evil, evil, evil, evil}};
  run.data[0].name = evil, run.data[0].dropped = {{evil, 2}};
  const std::vector<ReportInput> both = {run, run};
  for (const std::string& page : {page_of(run), report_page(both)}) {
    EXPECT_FALSE(has(page, "<script"));
    EXPECT_FALSE(has(page, "<!--"));
    EXPECT_TRUE(has(page, "&lt;script&gt;"));
    EXPECT_EQ(unbalanced(page), "");
  }
}

TEST(Report, AnEmptyRunIsStillAPage) {
  ReportInput run;
  run.name = "just-begun";
  const std::string page = page_of(run);
  EXPECT_TRUE(has(page, "just-begun"));
  EXPECT_FALSE(has(page, "<section"));
  EXPECT_EQ(unbalanced(page), "");
}

TEST(Report, ARunWithoutAFiniteValueDrawsNoChart) {
  ReportInput run;
  run.train.steps = {1, 2};
  run.train.columns["loss"] = {NAN, INFINITY};
  EXPECT_FALSE(has(page_of(run), "<figure"));
}

TEST(Report, AFailedRunSaysWhy) {
  ReportInput run = load_run(kTinyRun);
  run.status = RunStatus{"failed", 7, "error[TR004]: loss is not finite", 6};
  EXPECT_TRUE(has(page_of(run), "error[TR004]: loss is not finite"));
}

TEST(Report, SeveralRunsAreLaidOverEachOther) {
  std::vector<ReportInput> runs(2, load_run(kTinyRun));
  runs[0].name = "first", runs[1].name = "second";
  for (Setting& setting : runs[1].config)
    if (setting.key == "adapter.rank") setting.value = "64";
  const std::string page = report_page(runs);
  for (const char* part :
       {"2 runs side by side", "second, held out", "Tuned · second", "not the same in all runs"})
    EXPECT_TRUE(has(page, part)) << part;
  EXPECT_EQ(unbalanced(page), "");
  const std::string prompt = "Package: xscorch";
  EXPECT_EQ(page.find(prompt), page.rfind(prompt)) << "one prompt stands once";
}

TEST(Report, SeveralRunsShareOneChartWithALegend) {
  std::vector<ReportInput> runs(3, load_run(kTinyRun));
  runs[0].name = "first", runs[1].name = "second", runs[2].name = "third";
  runs[2].train.columns.erase("grad_norm");
  const std::string page = report_page(runs);
  const auto figure = [&](const std::string& title) {
    const std::size_t heading = page.find(">" + title + "<"), begin = page.rfind("<figure", heading);
    return page.substr(begin, page.find("</figure>", begin) - begin);
  };
  for (const char* name : {"first", "second", "third"}) EXPECT_TRUE(has(figure("Loss"), name)) << name;
  EXPECT_TRUE(has(figure("Gradient norm"), "second"));
  EXPECT_FALSE(has(figure("Gradient norm"), "third")) << "it has no such curve";
}

TEST(Report, APageOfARunThatGoesOnLoadsItselfAgain) {
  const ReportInput run = load_run(kTinyRun);
  EXPECT_TRUE(has(report_page({&run, 1}, 2.5), "<meta http-equiv=\"refresh\" content=\"3\"/>"));
  EXPECT_FALSE(has(page_of(run), "refresh"));
}

TEST(Report, ObjectivesOwnMetricsGetTheirCharts) {
  ReportInput run = load_run(kTinyRun);
  run.train.columns["rewards/margins"] = run.train.columns["loss"];
  EXPECT_TRUE(has(page_of(run), "rewards/margins"));
}

TEST(Report, WhatWasNotMeasuredHasNoColumnAndNoRow) {
  ReportInput run = load_run(kTinyRun);
  EXPECT_FALSE(has(page_of(run), "ROUGE-2"));
  EXPECT_FALSE(has(page_of(run), "Misspelt"));
  for (ComparisonRow& row : run.comparison->rows) row.errors.reset();
  EXPECT_FALSE(has(page_of(run), "What is wrong with the answers"));
}

TEST(Report, ALongRunStaysASmallPage) {
  ReportInput run;
  for (int i = 1; i <= 200000; ++i)
    run.train.steps.push_back(i), run.train.columns["loss"].push_back(2 + std::sin(i));
  EXPECT_LT(page_of(run).size(), 200000u);
}

TEST(Report, IsWrittenWholeOrRefused) {
  const RunFolder folder;
  const ReportInput run = load_run(kTinyRun);
  write_report(run, folder.path() + "/report.html");
  EXPECT_EQ(read_text_file(folder.path() + "/report.html"), page_of(run));
  try {
    write_report(run, folder.path() + "/missing/report.html");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.exit(), Exit::output);
  }
}

TEST(Report, NamesTheBestModel) {
  ReportInput run = load_run(kTinyRun);
  run.config.push_back({"train.metric", "mean_token_accuracy"});
  run.status = RunStatus{.state = "done", .best_step = 40};
  const std::string page = page_of(run);
  EXPECT_TRUE(has(page, "Best model"));
  EXPECT_TRUE(has(page, "by mean_token_accuracy"));
}

}  // namespace
}  // namespace hone::report
