#include "launcher/micro_tokens.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/model/activations.h"
#include "core/model/memory.h"

namespace hone::launcher {
namespace {

constexpr double kUsed =
    0.7;  // of what is free; the rest is for rounding in the tensor pool and what no estimate counts

std::int64_t longest_row(const std::vector<const data::SampleSet*>& sets) {
  std::int64_t longest = 1;
  for (const data::SampleSet* set : sets)
    if (set) longest = std::max(longest, set->longest());
  return longest;
}

// No rank has more of a step to do: a larger micro-batch would stay empty.
std::int64_t share_of_a_step(const TrainOptions& train, std::int64_t longest, int ranks) {
  const std::int64_t step = train.batch_tokens > 0 ? train.batch_tokens : train.batch_size * longest;
  return std::max(longest, step / ranks + 1);
}

}  // namespace

std::int64_t fitting_tokens(double free, double per_token, std::int64_t longest, std::int64_t most) {
  const double fit = free / per_token;
  if (fit < static_cast<double>(longest)) return 0;
  return static_cast<std::int64_t>(std::min(fit, static_cast<double>(most)));
}

void resolve_micro_tokens(CommandContext& context, Purpose purpose,
                          const std::vector<const data::SampleSet*>& sets, Communicator& communicator) {
  Config& config = context.config();
  if (config.train.micro_tokens) return;
  const formats::ModelFiles files = open_base(config);
  const model::BuildSpec spec = build_spec(config, purpose);
  const std::int64_t longest = longest_row(sets);
  const model::ActivationEstimate activations =
      model::estimate_activations(files.config, spec, config.train.recompute == "block", longest);
  const double share =
      kUsed * static_cast<double>(model::available_memory(spec.device)) / context.session.local_size();
  const model::MemoryEstimate held = model::estimate_memory(files, spec, state_bytes(config, spec));
  const double weights = static_cast<double>(held.total());
  std::int64_t tokens = fitting_tokens(share - weights - activations.fixed, activations.per_token, longest,
                                       share_of_a_step(config.train, longest, communicator.world_size()));
  communicator.all_reduce({&tokens, 1, CommType::i64}, ReduceOp::min)->wait();
  if (tokens == 0)
    throw Error(Exit::memory, "MM002", "not enough memory", "train.micro_tokens",
                "the longest row has " + std::to_string(longest) + " tokens of " +
                    std::to_string(static_cast<std::int64_t>(activations.per_token) >> 10) + " KiB each",
                "try train.recompute block, a lower data.max_length, or model.quantize nf4");
  config.train.micro_tokens = tokens;
  context.log.info("train.micro_tokens {}: {} KiB a token", tokens,
                   static_cast<std::int64_t>(activations.per_token) >> 10);
}

}  // namespace hone::launcher
