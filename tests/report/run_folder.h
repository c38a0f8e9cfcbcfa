#pragma once
// A folder of a test's own, and the committed run.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "core/base/file_system.h"

namespace hone::report {

inline const std::string kTinyRun = HONE_GOLDEN_DIR "/report/tiny";

class RunFolder {
 public:
  RunFolder() {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    path_ = testing::TempDir() + "report-" + test->test_suite_name() + "-" + test->name();
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  ~RunFolder() { std::filesystem::remove_all(path_); }
  void copy_tiny() const { std::filesystem::copy(kTinyRun, path_, std::filesystem::copy_options::recursive); }
  void write(const std::string& file, std::string_view content) const {
    write_file_atomic(path_ + "/" + file, content);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace hone::report
