#pragma once
// MPI's return codes as Errors, with MPI's own text.
#include <source_location>
#include <string>

namespace hone::dist {

// "MPI_ERR_ROOT: invalid root"
std::string mpi_text(int code);

// Throws Error(Exit::peer, "MP002") unless `code` is MPI_SUCCESS.
void mpi_check(int code, const char* call, std::source_location where = std::source_location::current());

}  // namespace hone::dist
