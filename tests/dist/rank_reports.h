#pragma once
// GoogleTest with every process a rank: all run all tests; rank 0 reports, others only what went wrong there.
#include <gtest/gtest.h>

#include <cstdio>

namespace hone::test {

class OnlyFailures final : public testing::EmptyTestEventListener {
 public:
  explicit OnlyFailures(int rank) : rank_(rank) {}

 private:
  void OnTestPartResult(const testing::TestPartResult& result) override {
    if (result.failed())
      std::fprintf(stderr, "rank %d: %s:%d: %s\n", rank_, result.file_name(), result.line_number(),
                   result.message());
  }
  const int rank_;
};

inline void report_as(int rank) {
  if (rank == 0) return;
  auto& listeners = testing::UnitTest::GetInstance()->listeners();
  delete listeners.Release(listeners.default_result_printer());
  listeners.Append(new OnlyFailures(rank));
}

}  // namespace hone::test
