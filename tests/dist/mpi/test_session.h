#pragma once
// The one session of this test process, made by main.
#include "dist/mpi_session.h"

namespace hone::test {

dist::MpiSession& test_session();

}  // namespace hone::test
