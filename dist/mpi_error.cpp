#include "dist/mpi_error.h"

#include <mpi.h>

#include <array>

#include "core/base/error.h"

namespace hone::dist {

std::string mpi_text(int code) {
  std::array<char, MPI_MAX_ERROR_STRING> text{};
  int length = 0;
  if (MPI_Error_string(code, text.data(), &length) != MPI_SUCCESS) return "MPI error " + std::to_string(code);
  return {text.data(), static_cast<std::size_t>(length)};
}

void mpi_check(int code, const char* call, std::source_location where) {
  if (code == MPI_SUCCESS) return;
  throw Error(Exit::peer, "MP002", std::string(call) + " failed",
              std::string(where.file_name()) + ":" + std::to_string(where.line()), mpi_text(code));
}

}  // namespace hone::dist
