// A run that goes wrong in the way its argument says, with the handling of errors that a real run has.
#include <chrono>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>

#include "dist/make_communicator.h"

namespace {

using namespace hone;

void fail_here(const dist::MpiSession& session) {
  throw Error(Exit::input, "TT001", "nothing to read", "rank " + std::to_string(session.rank()),
              "made for a test");
}

void run(std::string_view how, dist::MpiSession& session) {
  DistOptions options;
  options.timeout_s = 1;
  const CommunicatorPtr communicator = dist::make_communicator(options, session);
  for (int i = 0; i < 3; ++i) communicator->barrier()->wait();
  const int last = session.world_size() - 1;
  if (how == "hang" && session.rank() == last) std::this_thread::sleep_for(std::chrono::minutes(1));
  if (how == "hang-0" && session.rank() == 0) std::this_thread::sleep_for(std::chrono::minutes(1));
  if (how == "fail-1" && session.rank() == 1) fail_here(session);
  if (how == "fail-all") fail_here(session);
  communicator->barrier()->wait();
}

// The last rank, before MPI tells.
bool last_rank() {
  return std::atoi(std::getenv("OMPI_COMM_WORLD_RANK")) + 1 == std::atoi(std::getenv("OMPI_COMM_WORLD_SIZE"));
}

}  // namespace

int main(int argc, char** argv) {
  using namespace std::chrono_literals;
  const std::string_view how = argc > 1 ? argv[1] : "";
  if (how == "hang-start" && last_rank()) std::this_thread::sleep_for(1min);
  hone::dist::MpiSession session(how == "hang-start" ? 1s : 1min);
  try {
    run(how, session);
    if (how == "hang-end" && last_rank()) std::this_thread::sleep_for(1min);
  } catch (const hone::Error& error) {
    session.fail(error);
  }
}
