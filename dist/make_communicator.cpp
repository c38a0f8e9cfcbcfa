#include "dist/make_communicator.h"

#include <algorithm>
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
  const std::chrono::duration<double> seconds(
      std::min(options.timeout_s, 1e8));  // a sum with it fits a clock
  const auto deadline = std::chrono::duration_cast<std::chrono::milliseconds>(seconds);
  session.set_deadline(deadline);
  return std::make_unique<MpiCommunicator>(session, deadline);
}

}  // namespace hone::dist
