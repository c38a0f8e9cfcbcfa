#include "dist/make_communicator.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>

#include "dist/gpu_share.h"
#include "dist/local_communicator.h"
#include "dist/mpi_communicator.h"
#include "dist/nccl_communicator.h"
#include "dist/nccl_library.h"

namespace hone::dist {
namespace {

void check_backend(const std::string& backend, bool on_device) {
  if (backend != "auto" && backend != "mpi" && backend != "nccl")
    throw Error(Exit::usage, "MP010", "unknown communication backend", "dist.backend", backend,
                "known: auto, mpi, nccl");
  if (backend == "nccl" && !on_device)
    throw Error(Exit::usage, "MP010", "nccl carries device memory", "dist.backend",
                "this run computes on the CPU", "use model.device cuda, or dist.backend mpi");
}

std::chrono::milliseconds deadline_of(const DistOptions& options) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::duration<double>(std::min(options.timeout_s, 1e8)));  // a sum with it fits a clock
}

CommunicatorPtr with_nccl(CommunicatorPtr host, const MpiSession& session, std::chrono::milliseconds deadline,
                          const DeviceUse& device) {
  const NcclLibraries& libraries = load_nccl();
  const std::string place = "rank " + std::to_string(session.rank()) + " on " + session.host();
  std::array<char, 32> bus{};
  const int code = libraries.cuda.DeviceGetPCIBusId(bus.data(), static_cast<int>(bus.size()), device.device);
  if (code != kCudaSuccess)
    throw Error(Exit::usage, "MP012", "NCCL is not available", place, libraries.cuda.GetErrorString(code),
                "use dist.backend mpi on the CPU");
  require_own_gpu(*host, place, session.host() + " " + bus.data(), gpus_are_shared());
  return std::make_unique<NcclCommunicator>(NcclSetup{&libraries, device, place, deadline}, std::move(host));
}

}  // namespace

CommunicatorPtr make_communicator(const DistOptions& options, MpiSession& session, const DeviceUse* device) {
  check_backend(options.backend, device != nullptr);
  const bool several = session.world_size() > 1;
  if (several && device && options.backend == "mpi")
    throw Error(Exit::usage, "MP010", "mpi carries host memory", "dist.backend",
                std::to_string(session.world_size()) + " ranks compute on GPUs", "use dist.backend nccl");
  CommunicatorPtr host = make_host_communicator(options, session);
  if (!several || !device) return host;
  return with_nccl(std::move(host), session, deadline_of(options), *device);
}

CommunicatorPtr make_host_communicator(const DistOptions& options, MpiSession& session) {
  require_whole_world(session);
  if (session.world_size() == 1) return std::make_unique<LocalCommunicator>();
  session.set_deadline(deadline_of(options));
  return std::make_unique<MpiCommunicator>(session, deadline_of(options));
}

}  // namespace hone::dist
