#pragma once
// A rank's own GPU of its node.
#include <string>
#include <vector>

#include "core/ports/communicator.h"
#include "dist/mpi_session.h"

namespace hone::dist {

// The node's GPUs as CUDA_VISIBLE_DEVICES would name them: those that it names, where it is set, else as many
// as the driver knows. CUDA is not asked: what it sees is settled when it is first asked.
std::vector<std::string> visible_gpus();

// Pure: the rank's part of them. Ranks that outnumber GPUs share them.
std::string gpu_of(const std::vector<std::string>& gpus, int local_rank);

// Leaves this process one GPU, device 0 from here on (CUDA_VISIBLE_DEVICES). Comes before anything that asks
// CUDA. Nothing where there is one rank on the node or no GPU to be seen.
void take_own_gpu(const MpiSession& session);

// Several ranks on one GPU, for tests: NCCL takes them for ranks of several nodes.
bool gpus_are_shared();

// NCCL wants a GPU for each rank. `place` is this rank's ("rank 3 on node7"), `gpu` what names its GPU among
// all nodes'. Error(Exit::usage, "MP014") on all ranks where several have the same, naming them, unless
// `share`.
void require_own_gpu(Communicator& ranks, const std::string& place, const std::string& gpu, bool share);

}  // namespace hone::dist
