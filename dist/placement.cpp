#include "dist/placement.h"

#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <map>
#include <utility>

namespace hone::dist {
namespace {

// More than the 1024 of a fixed cpu_set_t: the kernel refuses sets smaller than the machine's.
constexpr int kMostCpus = 8192;

struct CpuSet {
  cpu_set_t* bits = CPU_ALLOC(kMostCpus);
  const std::size_t size = CPU_ALLOC_SIZE(kMostCpus);
  CpuSet() { CPU_ZERO_S(size, bits); }
  ~CpuSet() { CPU_FREE(bits); }
  CpuSet(const CpuSet&) = delete;
  CpuSet& operator=(const CpuSet&) = delete;
};

CpuList affinity_of(pid_t process) {
  CpuSet set;
  CpuList cpus;
  if (sched_getaffinity(process, set.size, set.bits) != 0) return cpus;
  for (int cpu = 0; cpu < kMostCpus; ++cpu)
    if (CPU_ISSET_S(cpu, set.size, set.bits)) cpus.push_back(cpu);
  return cpus;
}

bool set_own_affinity(const CpuList& cpus) {
  CpuSet set;
  for (const int cpu : cpus) CPU_SET_S(cpu, set.size, set.bits);
  return sched_setaffinity(0, set.size, set.bits) == 0;
}

int topology_number(int cpu, const char* name) {
  std::ifstream file("/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/" + name);
  int number = -1;
  file >> number;
  return number;
}

// Ordered by socket and core, so that neighbours in a share are neighbours on the chip.
std::vector<CpuList> group_by_core(const CpuList& cpus) {
  std::map<std::pair<int, int>, CpuList> by_core;
  for (const int cpu : cpus) {
    const int core = topology_number(cpu, "core_id");
    by_core[{topology_number(cpu, "physical_package_id"), core < 0 ? cpu : core}].push_back(cpu);
  }
  std::vector<CpuList> cores;
  for (auto& [place, threads] : by_core) cores.push_back(std::move(threads));
  return cores;
}

// CPUs' worth of time by the cgroup's bandwidth limit (version 2, else 1), 0 if unlimited.
double cpu_quota() {
  std::string limit;
  double period = 0;
  std::ifstream v2("/sys/fs/cgroup/cpu.max");
  if (v2 >> limit >> period) return limit == "max" || period <= 0 ? 0 : std::atof(limit.c_str()) / period;
  double quota = 0;
  std::ifstream quota_file("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"),
      period_file("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  if (quota_file >> quota && period_file >> period && quota > 0 && period > 0) return quota / period;
  return 0;
}

bool under_mpirun() { return std::getenv("OMPI_COMM_WORLD_LOCAL_SIZE") != nullptr; }

// The user, or Slurm's plugin, gave every rank cores of its own; mpirun's default binding is not meant so.
bool bound_on_purpose() {
  const char* policy = std::getenv("OMPI_MCA_hwloc_base_binding_policy");
  if (under_mpirun()) return policy && std::string(policy) != "none";
  const char* slurm = std::getenv("SLURM_CPU_BIND_TYPE");
  const std::string type = slurm ? slurm : "";
  return type.starts_with("mask") || type.starts_with("map") || type.starts_with("rank");
}

// "0-3,8"
std::string ranges(const CpuList& cpus) {
  std::vector<std::string> runs;
  for (std::size_t i = 0; i < cpus.size();) {
    std::size_t last = i;
    while (last + 1 < cpus.size() && cpus[last + 1] == cpus[last] + 1) ++last;
    runs.push_back(last > i ? fmt::format("{}-{}", cpus[i], cpus[last]) : fmt::format("{}", cpus[i]));
    i = last + 1;
  }
  return fmt::format("{}", fmt::join(runs, ","));
}

}  // namespace

CoreShare fair_share(const std::vector<CpuList>& cores, int local_rank, int local_size, double quota) {
  const auto count = cores.size(), rank = static_cast<std::size_t>(local_rank),
             ranks = static_cast<std::size_t>(local_size);
  std::size_t begin = count * rank / ranks, end = count * (rank + 1) / ranks;
  if (count < ranks) {
    begin = rank % count;
    end = begin + 1;
  }
  CoreShare share;
  for (std::size_t core = begin; core < end; ++core)
    share.cpus.insert(share.cpus.end(), cores[core].begin(), cores[core].end());
  std::sort(share.cpus.begin(), share.cpus.end());
  share.threads = static_cast<int>(end - begin);
  if (quota > 0) share.threads = std::clamp(static_cast<int>(std::ceil(quota)), 1, share.threads);
  return share;
}

Placement take_fair_share(const MpiSession& session) {
  const bool own_cores = bound_on_purpose() || (session.local_size() == 1 && !under_mpirun());
  const CpuList own = affinity_of(0);
  // What mpirun itself may run on is what it would give to an unbound rank.
  CpuList usable = under_mpirun() && !own_cores ? affinity_of(getppid()) : own;
  if (usable.empty()) usable = own.empty() ? CpuList{0} : own;
  const double quota = cpu_quota() / session.local_size();
  const CoreShare share =
      own_cores ? fair_share(group_by_core(usable), 0, 1, quota)
                : fair_share(group_by_core(usable), session.local_rank(), session.local_size(), quota);
  const bool moved = own_cores || set_own_affinity(share.cpus);
  Placement placement;
  placement.threads = moved ? share.threads : std::max(1, static_cast<int>(group_by_core(own).size()));
  placement.line =
      fmt::format("rank {} on {}: cpus {}, {} thread{}", session.rank(), session.host(),
                  ranges(moved ? share.cpus : own), placement.threads, placement.threads == 1 ? "" : "s");
  return placement;
}

}  // namespace hone::dist
