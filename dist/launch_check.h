#pragma once
// Small agreements between ranks.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/ports/communicator.h"

namespace hone::dist {

// Every rank's text, in rank order, on every rank.
std::vector<std::string> gather_strings(Communicator& communicator, const std::string& own);

// All ranks must bring the same digest of `what` ("build id", "config"); otherwise every rank throws
// Error(Exit::usage, "MP004") naming those that differ from most, and their hosts.
void require_same(Communicator& communicator, std::string_view what, std::uint64_t digest);

}  // namespace hone::dist
