#pragma once
// train.micro_tokens = auto: how large a micro-batch free memory holds.
#include "core/ports/communicator.h"
#include "data/load/sample_set.h"
#include "launcher/build_model.h"
#include "launcher/command_context.h"

namespace hone::launcher {

// Resolves train.micro_tokens in the config, before the model is loaded, the same on all ranks: seven tenths
// of what the node has free, shared by its ranks, less weights and optimizer, go by the estimate for a token;
// at most this rank's share of a step's tokens, at least the longest row of the sets (null ones are skipped).
// Error(Exit::memory, "MM002") where that does not fit. All ranks.
void resolve_micro_tokens(CommandContext& context, Purpose purpose,
                          const std::vector<const data::SampleSet*>& sets, Communicator& communicator);

// The arithmetic of it: tokens that fit into `free` bytes, between `longest` and `most`; 0: not even
// `longest`.
std::int64_t fitting_tokens(double free, double per_token, std::int64_t longest, std::int64_t most);

}  // namespace hone::launcher
