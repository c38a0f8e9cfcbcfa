#pragma once
// One suite for every backend of the Communicator port: an executable instantiates it with the backends it
// has.
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <ostream>
#include <string>

#include "core/ports/communicator.h"

namespace hone::test {

using RankBody = std::function<void(Communicator&)>;

struct Backend {
  std::string name;
  // Runs the body on every rank of this process, each with a fresh communicator.
  std::function<void(const RankBody&, std::chrono::milliseconds deadline)> run;
};

inline void PrintTo(const Backend& backend, std::ostream* out) { *out << backend.name; }

class CommunicatorSuite : public testing::TestWithParam<Backend> {
 protected:
  void run(const RankBody& body, std::chrono::milliseconds deadline = std::chrono::seconds(20)) {
    GetParam().run(body, deadline);
  }
};

inline std::string backend_name(const testing::TestParamInfo<Backend>& info) { return info.param.name; }

}  // namespace hone::test
