#include "dist/make_communicator.h"

#include <chrono>

#include "dist/local_communicator.h"
#include "dist/mpi_communicator.h"

namespace hone::dist {

CommunicatorPtr make_communicator(const DistOptions& options, MpiSession& session) {
  require_whole_world(session);
  if (options.backend != "auto" && options.backend != "mpi")
    throw Error(Exit::usage, "MP010", "unknown communication backend", "dist.backend", options.backend,
                "known: auto, mpi");
  if (session.world_size() == 1) return std::make_unique<LocalCommunicator>();
  const auto deadline = std::chrono::duration<double>(options.timeout_s);
  return std::make_unique<MpiCommunicator>(session,
                                           std::chrono::duration_cast<std::chrono::milliseconds>(deadline));
}

}  // namespace hone::dist
