#pragma once
// The registry of communicator backends (dist.backend).
#include "core/ports/communicator.h"
#include "dist/dist_options.h"
#include "dist/mpi_session.h"

namespace hone::dist {

// auto: mpi where there are several ranks, else local. Every backend is local for a world of one. Throws
// MP001 where the ranks do not see each other, MP010 for an unknown backend. The session outlives the result.
CommunicatorPtr make_communicator(const DistOptions& options, MpiSession& session);

}  // namespace hone::dist
