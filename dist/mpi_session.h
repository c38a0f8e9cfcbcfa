#pragma once
// This process's place among the ranks. MPI is initialised only where a launcher (mpirun, srun with PMIx or
// PMI) is seen in the environment; without one the world is this process and MPI is never touched. Make one
// in main, before the try block, so that it outlives the handling of errors; a session destroyed while an
// exception is in flight does not finalise (that would wait for peers that wait for us).
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.h"

namespace hone::dist {

class MpiSession {
 public:
  static constexpr std::chrono::milliseconds kDeadline = std::chrono::minutes(10);

  // MPI's own start and end wait for every rank, without a limit. Here a rank that waits longer for the
  // others prints MP020 and ends with 5: at the start after `deadline`, at the end, where the others may
  // still be writing what they export, after three times that.
  explicit MpiSession(std::chrono::milliseconds deadline = kDeadline);
  ~MpiSession();
  MpiSession(const MpiSession&) = delete;
  MpiSession& operator=(const MpiSession&) = delete;

  int rank() const { return rank_; }
  int world_size() const { return static_cast<int>(hosts_.size()); }
  int local_rank() const { return local_rank_; }  // among the ranks of this node
  int local_size() const { return local_size_; }
  bool launched() const { return launched_; }  // by mpirun or srun
  const std::string& host() const { return hosts_[static_cast<std::size_t>(rank_)]; }
  const std::string& host_of(int rank) const { return hosts_.at(static_cast<std::size_t>(rank)); }

  // Of the end, once the configuration is known.
  void set_deadline(std::chrono::milliseconds deadline) { deadline_ = deadline; }

  // A number that keeps the messages of one communicator from another's. Its ranks agree on one that none of
  // them has open: the greatest next_channel() among them.
  int next_channel() const { return channels_; }
  int open_channel(int channel) {
    channels_ = channel + 1;
    return channel % 4096;  // what fits into a tag
  }

  // Ends all ranks with this exit code (MPI_Abort), at once. Never returns, even if MPI hangs.
  [[noreturn]] void abort(Exit code);

  // Prints the error's one line and ends all ranks. An error that every rank meets is printed once: higher
  // ranks give lower ones a moment to end the run first, and NCCL's failure, which another rank's end
  // may have caused, gives way to that rank's own error.
  [[noreturn]] void fail(const Error& error);

 private:
  void find_neighbours();

  bool launched_ = false;
  std::chrono::milliseconds deadline_;
  int rank_ = 0;
  int local_rank_ = 0;
  int local_size_ = 1;
  int exceptions_ = 0;
  int channels_ = 0;
  std::vector<std::string> hosts_;
};

// Throws MP001 where Slurm started several tasks and each sees a world of its own (srun without PMIx, or with
// a PMI that this MPI does not know), from what the environment says. Tasks but the first end silently: one
// line for all.
void require_whole_world(const MpiSession& session);

}  // namespace hone::dist
