#include "launcher/version.h"

#include <H5public.h>
#include <mpi.h>
#include <torch/headeronly/version.h>
#include <xxhash.h>

#include <array>

#include "core/base/file_system.h"
#include "core/cuda/device.h"

namespace hone::launcher {
namespace {

std::string mpi_library() {
  std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
  int length = 0;
  MPI_Get_library_version(text.data(), &length);  // may be called before MPI is initialised
  const std::string all(text.data(), static_cast<std::size_t>(length));
  return all.substr(0, all.find_first_of(",\n"));
}

}  // namespace

std::string version_text() {
  return std::string("hone " HONE_VERSION "\n") + "LibTorch " TORCH_VERSION "\n" +
         "CUDA: " + cuda::describe() + "\n" + mpi_library() + "\n" + H5_VERS_INFO + "\n";
}

std::uint64_t program_digest() {
  const MappedFile program("/proc/self/exe");
  return XXH3_64bits(program.bytes().data(), program.bytes().size());
}

}  // namespace hone::launcher
