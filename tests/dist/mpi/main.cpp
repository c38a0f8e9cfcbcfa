#include "tests/dist/mpi/test_session.h"
#include "tests/dist/rank_reports.h"

namespace hone::test {

dist::MpiSession& test_session() {
  static dist::MpiSession session;
  return session;
}

}  // namespace hone::test

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  hone::test::report_as(hone::test::test_session().rank());
  return RUN_ALL_TESTS();
}
