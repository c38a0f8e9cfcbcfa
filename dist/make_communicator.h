#pragma once
// The registry of communicator backends (dist.backend).
#include "core/ports/communicator.h"
#include "dist/dist_options.h"
#include "dist/mpi_session.h"
#include "dist/nccl_line.h"

namespace hone::dist {

// `device`: what the run computes on, null for the CPU. A world of one is local; ranks on the CPU talk
// through mpi; ranks on GPUs through nccl, whose host half is mpi. Throws MP001 where the ranks do not see
// each other, MP010 for a backend that is unknown or does not fit, MP012 without NCCL, MP014 where ranks
// share a GPU (unless NCCL_HOSTID tells NCCL that they are on different hosts, as tests on one GPU do). The
// session outlives the result.
CommunicatorPtr make_communicator(const DistOptions& options, MpiSession& session,
                                  const DeviceUse* device = nullptr);

// For work that has nothing on a device, whatever the backend: local or mpi.
CommunicatorPtr make_host_communicator(const DistOptions& options, MpiSession& session);

}  // namespace hone::dist
