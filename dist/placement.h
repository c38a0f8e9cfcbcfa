#pragma once
// A rank's fair share of its node's cores. mpirun pins small jobs to one core a rank; here each rank takes
// cores / ranks of the node instead, within what the launcher itself may use (its affinity and CPU quota).
// A binding asked for by the user (mpirun --bind-to, Slurm's) is left as it is.
#include <string>
#include <vector>

#include "dist/mpi_session.h"

namespace hone::dist {

using CpuList = std::vector<int>;

struct CoreShare {
  CpuList cpus;     // to run on, sorted
  int threads = 1;  // to compute with: one a core
};

// Pure: `cores` lists the node's usable cores, each with its hardware threads; ranks that outnumber cores
// share them. `quota` is the CPUs' worth of time allowed to this rank (0: no limit).
CoreShare fair_share(const std::vector<CpuList>& cores, int local_rank, int local_size, double quota);

struct Placement {
  int threads = 1;
  std::string line;  // for people: "rank 1 on n1: cpus 2-3, 2 threads"
};

// Sets the affinity of the calling thread, which later threads inherit: call before any are made.
Placement take_fair_share(const MpiSession& session);

}  // namespace hone::dist
