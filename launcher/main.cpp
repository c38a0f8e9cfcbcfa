#include <csignal>
#include <cstdio>
#include <exception>

#include "core/base/failure.h"
#include "dist/mpi_session.h"
#include "launcher/program.h"

int main(int argc, char** argv) {
  std::signal(SIGXFSZ, SIG_IGN);  // a file over its limit is then a write that fails, reported like any other
  try {
    hone::dist::MpiSession session;
    return hone::launcher::run_program({argv + 1, argv + argc}, session);
  } catch (...) {  // no session: there is no other rank to agree with
    const hone::Error error = hone::as_error(std::current_exception());
    std::fprintf(stderr, "%s\n", error.what());
    return static_cast<int>(error.exit());
  }
}
