#pragma once
// Stopping on request: a signal sets a flag, the ranks agree at a step boundary, the run saves and ends
// with 75.
#include <csignal>
#include <vector>

#include "core/ports/communicator.h"

namespace hone::dist {

// Catches USR1, USR2 and XCPU, without a launcher also INT and TERM (mpirun kills its ranks soon after those,
// so there they keep ending the process; without it a second one does). The old handlers come back with the
// destructor. One inside another is well: a signal counts until the outer one ends. On one thread.
class StopSignals {
 public:
  explicit StopSignals(bool under_launcher);
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

 private:
  struct Previous {
    int signal;
    struct sigaction action;
  };
  void watch(int signal, int flags);
  std::vector<Previous> previous_;
};

// The signal this process was asked to stop by, 0 if none.
int stop_requested();

// True on every rank if any wants to stop. A collective: all ranks call it at the same place.
bool stop_agreed(Communicator& communicator, bool wanted = stop_requested() != 0);

}  // namespace hone::dist
