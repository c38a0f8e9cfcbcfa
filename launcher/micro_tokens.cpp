#include "launcher/micro_tokens.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>

#include "core/base/error.h"
#include "core/model/activations.h"
#include "core/model/memory.h"
#include "core/model/segments.h"
#include "core/model/strands.h"
#include "core/optim/optimizer.h"
#include "launcher/graph_rules.h"

namespace hone::launcher {
namespace {

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

std::int64_t checkpoint_share(const OptimOptions& optim, const ArenaLayout& trained,
                              const model::ZeroPlan& sharding, std::int64_t element) {
  std::int64_t owned = 0;
  for (const BlockRange& block : trained.blocks) owned += model::owned_of(block.range.length(), sharding);
  return owned * element + optim::state_bytes(optim, trained, owned);
}

std::int64_t checkpoint_memory(const TrainOptions& train, at::Device device, std::int64_t share) {
  constexpr std::int64_t kFile = std::int64_t{128} << 20;  // a rank builds one in memory at a time
  if (!device.is_cpu()) return 0;
  return (train.async_save ? share : 0) + std::min(kFile, share);
}

std::int64_t fitting_tokens(double free, const std::function<double(std::int64_t)>& bytes,
                            std::int64_t longest, std::int64_t most) {
  if (bytes(longest) > free) return 0;
  std::int64_t fits = longest, too_many = most + 1;
  while (too_many - fits > 1) {
    const std::int64_t middle = fits + (too_many - fits) / 2;
    (bytes(middle) <= free ? fits : too_many) = middle;
  }
  return fits;
}

void resolve_micro_tokens(CommandContext& context, Purpose purpose,
                          const std::vector<const data::SampleSet*>& sets, Communicator& communicator) {
  Config& config = context.config();
  if (config.train.micro_tokens) return;
  const formats::ModelFiles files = open_base(config);
  model::BuildSpec spec = build_spec(config, purpose);
  const model::ZeroPlan sharding = zero_plan(config, communicator.world_size());
  spec.sharding.stage = sharding.stage;
  const std::int64_t longest = longest_row(sets);
  const bool recompute = config.train.recompute == "block";
  const std::int64_t all = at::get_num_threads();
  const std::int64_t threads = model::strands_fit(files, spec, all) ? all : 1;
  const bool graphs = purpose == Purpose::train && records_graphs(config, spec.device, spec.compute,
                                                                  files.config.head_dim, sharding.stage);
  const auto activations = [&](std::int64_t tokens) {
    const std::int64_t size = graphed_size(tokens, graphs);
    return static_cast<double>(activation_copies(graphs)) *
           model::activation_bytes(files.config, spec, recompute,
                                   {size, size, longest, model::most_strands(tokens, threads)});
  };
  const double share =
      kUsedMemory * static_cast<double>(memory_share(context.session, communicator, spec.device));
  const model::MemoryEstimate held = model::estimate_memory(files, spec, state_bytes(config, spec), sharding);
  double weights = static_cast<double>(held.total());
  if (purpose == Purpose::train)
    weights += static_cast<double>(
        checkpoint_memory(config.train, spec.device,
                          checkpoint_share(config.optim, model::trained_layout(files, spec), sharding,
                                           c10::elementSize(spec.master))));
  std::int64_t tokens = fitting_tokens(share - weights, activations, longest,
                                       share_of_a_step(config.train, longest, communicator.world_size()));
  communicator.all_reduce({&tokens, 1, CommType::i64}, ReduceOp::min)->wait();
  const auto mebibytes = [&](std::int64_t count) {
    return static_cast<std::int64_t>(activations(count)) >> 20;
  };
  if (tokens == 0)
    throw Error(Exit::memory, "MM002", "not enough memory", "train.micro_tokens",
                fmt::format("the longest row has {} tokens, which take {} MiB", longest, mebibytes(longest)),
                "try train.recompute block, a lower data.max_length, or model.quantize nf4");
  config.train.micro_tokens = tokens;
  context.log.info("train.micro_tokens {}: {} MiB", tokens, mebibytes(tokens));
}

}  // namespace hone::launcher
