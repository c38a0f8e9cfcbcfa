// A run that goes wrong in the way its argument says, with the handling of errors that a real run has.
#include <chrono>
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

}  // namespace

int main(int argc, char** argv) {
  hone::dist::MpiSession session;
  try {
    run(argc > 1 ? argv[1] : "", session);
  } catch (const hone::Error& error) {
    session.fail(error);
  }
}
