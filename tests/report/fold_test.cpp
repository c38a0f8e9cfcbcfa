// The report of a cross-validation.
#include <filesystem>

#include "core/base/error.h"
#include "launcher/report/report.h"
#include "run_folder.h"

namespace hone::report {
namespace {

void add_fold(const RunFolder& folder, int number, const std::string& score) {
  std::filesystem::copy(kTinyRun, fold_folder(folder.path(), number),
                        std::filesystem::copy_options::recursive);
  folder.write("fold-" + std::to_string(number) + "/fold.json", score);
}

TEST(FoldReport, HoldsEveryFoldWithMeanAndSpread) {
  const RunFolder folder;
  add_fold(folder, 1, R"({"loss": 1.0, "perplexity": 2.5, "mean_token_accuracy": 0.5, "tokens": 100})");
  add_fold(folder, 2, R"({"loss": 2.0, "perplexity": 7.5, "mean_token_accuracy": 0.7, "tokens": 100})");
  add_fold(folder, 3, R"({"loss": 3.0, "perplexity": 20, "mean_token_accuracy": 0.9, "tokens": 100})");
  const std::vector<ReportInput> runs = load_runs(folder.path());
  ASSERT_EQ(runs.size(), 3u);
  const std::string page = report_page(runs);
  for (const char* part :
       {"Cross-validation", "fold-1", "fold-3", "2.0000 ± 1.0000", "10.000 ± 9.014", "0.700 ± 0.200"})
    EXPECT_NE(page.find(part), std::string::npos) << part;
  EXPECT_EQ(report_page(std::span(runs.data(), 1)).find("Cross-validation"), std::string::npos);
}

TEST(FoldReport, AFolderWithoutFoldsIsOneRun) {
  const std::vector<ReportInput> runs = load_runs(kTinyRun);
  ASSERT_EQ(runs.size(), 1u);
  EXPECT_FALSE(runs[0].fold.has_value());
}

TEST(FoldReport, ABadScoreIsRefusedByFile) {
  const RunFolder folder;
  add_fold(folder, 1, R"({"loss": "low"})");
  try {
    load_runs(folder.path());
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.exit(), Exit::input);
    EXPECT_NE(std::string(error.what()).find("fold.json"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace hone::report
