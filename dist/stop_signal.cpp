#include "dist/stop_signal.h"

namespace hone::dist {
namespace {

// A handler reaches nothing but static storage.
volatile std::sig_atomic_t caught_signal = 0;

int watching = 0;  // a run's folds each watch inside their run

extern "C" void remember_signal(int signal) { caught_signal = signal; }

}  // namespace

StopSignals::StopSignals(bool under_launcher) {
  if (watching++ == 0) caught_signal = 0;
  for (const int signal : {SIGUSR1, SIGUSR2, SIGXCPU}) watch(signal, SA_RESTART);
  if (under_launcher) return;
  for (const int signal : {SIGINT, SIGTERM}) watch(signal, SA_RESTART | static_cast<int>(SA_RESETHAND));
}

StopSignals::~StopSignals() {
  for (const Previous& previous : previous_) sigaction(previous.signal, &previous.action, nullptr);
  if (--watching == 0) caught_signal = 0;
}

void StopSignals::watch(int signal, int flags) {
  struct sigaction action = {};
  action.sa_handler = remember_signal;
  action.sa_flags = flags;
  sigemptyset(&action.sa_mask);
  Previous previous{signal, {}};
  sigaction(signal, &action, &previous.action);
  previous_.push_back(previous);
}

int stop_requested() { return caught_signal; }

bool stop_agreed(Communicator& communicator, bool wanted) {
  std::int32_t asked = wanted;
  communicator.all_reduce({&asked, 1, CommType::i32}, ReduceOp::max)->wait();
  return asked != 0;
}

}  // namespace hone::dist
