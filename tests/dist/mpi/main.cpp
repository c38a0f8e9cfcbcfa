// GoogleTest with every process a rank: all run all tests; rank 0 reports, others only what went wrong there.
#include <gtest/gtest.h>

#include <cstdio>

#include "tests/dist/mpi/test_session.h"

namespace hone::test {
namespace {

class OnlyFailures final : public testing::EmptyTestEventListener {
  void OnTestPartResult(const testing::TestPartResult& result) override {
    if (result.failed())
      std::fprintf(stderr, "rank %d: %s:%d: %s\n", test_session().rank(), result.file_name(),
                   result.line_number(), result.message());
  }
};

}  // namespace

dist::MpiSession& test_session() {
  static dist::MpiSession session;
  return session;
}

}  // namespace hone::test

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (hone::test::test_session().rank() > 0) {
    auto& listeners = testing::UnitTest::GetInstance()->listeners();
    delete listeners.Release(listeners.default_result_printer());
    listeners.Append(new hone::test::OnlyFailures);
  }
  return RUN_ALL_TESTS();
}
