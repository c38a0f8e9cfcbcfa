#include "launcher/runtime.h"

#include <ATen/Parallel.h>

#include "core/cuda/device.h"
#include "core/device/device.h"
#include "core/formats/tensor_source.h"
#include "core/model/compute_type.h"
#include "core/nn/tensor_pool.h"
#include "dist/gpu_share.h"
#include "dist/launch_check.h"
#include "dist/make_communicator.h"
#include "dist/placement.h"
#include "launcher/options/config.h"
#include "launcher/version.h"

namespace hone::launcher {
namespace {

void resolve_dtype(CommandContext& context, Communicator& communicator) {
  ModelOptions& options = context.config().model;
  if (options.dtype != "auto") {
    model::compute_type(options.dtype);
    return;
  }
  if (options.device == "cuda") {
    options.dtype = "bf16";
    context.log.info("compute type bf16 on {}", cuda::describe());
    return;
  }
  const formats::ModelConfig config = formats::read_model_config(options.path);
  const model::DtypeProbe probe = model::probe_dtypes(512, config.hidden_size, config.intermediate_size);
  options.dtype = from_rank_zero(communicator, probe.faster());
  context.log.info("compute type {}: fp32 runs at {:.0f}, bf16 at {:.0f} GFLOP/s here", options.dtype,
                   probe.fp32_gflops, probe.bf16_gflops);
}

// Before any rank does what another does not: the order of collectives follows from both.
void require_same_start(CommandContext& context, Communicator& communicator) {
  if (communicator.world_size() == 1) return;
  dist::require_same(communicator, "program", program_digest());
  dist::require_same(communicator, "config", config_digest(context.config()));
}

}  // namespace

std::string from_rank_zero(Communicator& communicator, const std::string& own) {
  return dist::gather_strings(communicator, own).front();
}

Runtime make_runtime(CommandContext& context) {
  context.require("model.path");
  Config& config = context.config();
  if (config.model.device == "cuda") dist::take_own_gpu(context.session);
  config.model.device = model::resolve_device(config.model, context.session.world_size());
  const bool on_gpu = config.model.device == "cuda";
  const dist::DeviceUse gpu{0, [] { return device::stream_on({at::kCUDA, 0}); }};
  const dist::Placement placement = dist::take_fair_share(context.session);
  nn::install_tensor_pool();
  // Where threads cut a product decides how it is rounded, and how many there are follows from the ranks.
  const bool tree = config.dist.deterministic == "tree";
  const int threads = tree ? 1 : placement.threads;
  at::set_num_threads(threads);
  at::set_num_interop_threads(1);
  Runtime runtime{dist::make_communicator(config.dist, context.session, on_gpu ? &gpu : nullptr), threads};
  require_same_start(context, *runtime.communicator);
  if (config.dist.backend == "auto" && context.session.world_size() > 1)
    config.dist.backend = on_gpu ? "nccl" : "mpi";
  for (const std::string& line : dist::gather_strings(*runtime.communicator, placement.line))
    context.log.info("{}", line);
  if (tree && placement.threads > 1)
    context.log.info("dist.deterministic tree: a rank computes with one thread; start a rank for each core");
  resolve_dtype(context, *runtime.communicator);
  return runtime;
}

}  // namespace hone::launcher
