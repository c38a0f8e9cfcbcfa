// hone prepare: raw rows to HDF5 shards, on all ranks, with a lint report.
#include "core/base/error.h"
#include "data/shard/prepare.h"
#include "dist/make_communicator.h"
#include "launcher/build_data.h"
#include "launcher/command_context.h"
#include "launcher/commands.h"
#include "launcher/options/command_options.h"

namespace hone::launcher {

int run_prepare(CommandContext& context) {
  context.require("model.path");
  context.require("data.train");
  context.require("output");
  Config& config = context.config();
  if (!config.data.weights.empty())
    throw Error(Exit::usage, "US085", "weights are for training", "data.weights",
                "what is prepared together is one input", "prepare each input into a folder of its own");
  const CommunicatorPtr communicator = dist::make_host_communicator(config.dist, context.session);
  const TextTools tools = make_text_tools(config);
  data::PrepareJob job = prepare_job(config.data.train, config, tools);
  context.out.json(
      data::to_json(data::prepare(job, context.options<PrepareOptions>().output, *communicator)));
  return 0;
}

}  // namespace hone::launcher
