#pragma once
// Everything of the program that is not a command: help, version, parsing, and the end of a failed run.
#include <string>
#include <vector>

#include "dist/mpi_session.h"

namespace hone::launcher {

// Runs `hone words...` on this rank and returns its exit code. A failure is caught here, once, and prints
// exactly one line beginning "error[", from one rank; among several ranks it ends them all and does not
// return.
int run_program(const std::vector<std::string>& words, dist::MpiSession& session);

}  // namespace hone::launcher
