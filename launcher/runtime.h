#pragma once
// What every command that computes sets up first: a fair share of cores, the communicator, the compute type.
#include <string>

#include "core/ports/communicator.h"
#include "launcher/command_context.h"

namespace hone::launcher {

struct Runtime {
  CommunicatorPtr communicator;
  int threads = 1;
};

// Widens to the fair share of cores, opens the communicator and writes every "auto" of [model] and [dist] into the
// config. All ranks, and they must be the same program with the same config (MP004).
Runtime make_runtime(CommandContext& context);

// A text every rank takes from rank 0.
std::string from_rank_zero(Communicator& communicator, const std::string& own);

}  // namespace hone::launcher
