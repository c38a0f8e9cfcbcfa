#pragma once
// Where the time of a run went, by named phase. One per rank, one thread.
#include <chrono>
#include <string>
#include <vector>

#include "core/base/phase.h"

namespace hone::train {

class PhaseClock {
 public:
  enum Phase { data, forward_backward, reduce, optimizer, evaluate, checkpoint, last_checkpoint, kCount };
  static const char* name(Phase phase) {
    constexpr const char* names[] = {"data",     "forward+backward", "reduce",         "optimizer",
                                     "evaluate", "checkpoint",       "last checkpoint"};
    return names[phase];
  }

  class Scope {
   public:
    Scope(PhaseClock& clock, Phase phase)
        : clock_(clock), phase_(phase), begin_(Clock::now()), named_(name(phase)) {}
    ~Scope() { clock_.seconds_[phase_] += std::chrono::duration<double>(Clock::now() - begin_).count(); }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    using Clock = std::chrono::steady_clock;
    PhaseClock& clock_;
    Phase phase_;
    Clock::time_point begin_;
    PhaseScope named_;
  };

  Scope in(Phase phase) { return Scope(*this, phase); }
  double seconds(Phase phase) const { return seconds_[phase]; }

 private:
  double seconds_[kCount] = {};
};

}  // namespace hone::train
