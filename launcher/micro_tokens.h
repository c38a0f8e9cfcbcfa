#pragma once
// train.micro_tokens = auto: how large a micro-batch free memory holds.
#include <functional>

#include "core/ports/communicator.h"
#include "data/load/sample_set.h"
#include "launcher/build_model.h"
#include "launcher/command_context.h"

namespace hone::launcher {

// Of what is free; the rest is for rounding in the tensor pool and what no estimate counts.
inline constexpr double kUsedMemory = 0.7;

// Bytes of a rank's share of a checkpoint, whose weights have `element` bytes; and what host memory holds of it beside
// the training at most: a copy under train.async_save, and a file on its way.
std::int64_t checkpoint_share(const OptimOptions& optim, const ArenaLayout& trained,
                              const model::ZeroPlan& sharding, std::int64_t element);
std::int64_t checkpoint_memory(const TrainOptions& train, at::Device device, std::int64_t share);

// Resolves train.micro_tokens in the config, before the model is loaded, the same on all ranks: seven tenths
// of what the node has free, shared by its ranks, less weights, optimizer and the copy for a checkpoint, go by the
// estimate for a token; at most this rank's share of a step's tokens, at least the longest row of the sets (null ones are skipped).
// Error(Exit::memory, "MM002") where that does not fit. All ranks.
void resolve_micro_tokens(CommandContext& context, Purpose purpose,
                          const std::vector<const data::SampleSet*>& sets, Communicator& communicator);

// The arithmetic of it: the most tokens, between `longest` and `most`, whose `bytes`, which grow with them, fit into
// `free`; 0: not even `longest`.
std::int64_t fitting_tokens(double free, const std::function<double(std::int64_t)>& bytes,
                            std::int64_t longest, std::int64_t most);

}  // namespace hone::launcher
