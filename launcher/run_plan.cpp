#include "launcher/run_plan.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/model/activations.h"
#include "core/model/flops.h"
#include "core/optim/optimizer.h"
#include "data/load/bins.h"
#include "launcher/build_model.h"
#include "launcher/graph_rules.h"
#include "launcher/micro_tokens.h"
#include "launcher/options/machine_file.h"

namespace hone::launcher {
namespace {

constexpr double kGibibyte = 1 << 30;

// What the parts of a plan are reckoned from.
struct PlanInput {
  const Config& config;
  const PlanOptions& options;
  MachineOptions machine;
  formats::ModelFiles files;
  model::BuildSpec spec;
  model::ZeroPlan sharding;
  bool recompute() const { return config.train.recompute == "block"; }
  std::int64_t trained_bytes() const { return spec.master == at::kFloat ? 4 : 2; }
  std::int64_t supervised(std::int64_t tokens) const {
    return static_cast<std::int64_t>(options.supervised * static_cast<double>(tokens));
  }
};

MachineOptions machine_of(const PlanOptions& options) {
  return options.machine.empty() ? MachineOptions{} : read_machine(options.machine);
}

void resolve(Config& config, const MachineOptions& machine) {
  if (config.model.device == "auto") config.model.device = machine.device;
  const bool wide = config.model.device == "cpu" && machine.tflops_fp32 > machine.tflops_bf16;
  if (config.model.dtype == "auto") config.model.dtype = wide ? "fp32" : "bf16";
}

PlanInput input_of(Config& config, const PlanOptions& options, const MachineOptions& machine) {
  model::BuildSpec spec = build_spec(config, Purpose::train);
  require_trainable(config, spec);
  ModelInput input = open_model_input(config, Purpose::train, open_shapes(config));
  spec.lora = adapter::lora_settings(config.adapter);  // those of adapter.init where it is given
  const std::int64_t granule = optim::granule_of(config.optim);
  return {
      config,
      options,
      machine,
      std::move(input.files),
      std::move(spec),
      {options.ranks > 1 ? static_cast<int>(config.dist.zero) : 0, static_cast<int>(options.ranks), granule}};
}

std::int64_t memory_of(const PlanInput& in) {
  if (in.options.gpu_memory_gib > 0) return static_cast<std::int64_t>(in.options.gpu_memory_gib * kGibibyte);
  return static_cast<std::int64_t>(in.machine.memory_gib * kGibibyte /
                                   train::sharers(in.sharding.ranks, in.machine));
}

std::int64_t activations_of(const PlanInput& in, std::int64_t rows) {
  const std::int64_t length = in.config.data.max_length, tokens = rows * length;
  const bool graphs =
      records_graphs(in.config, in.spec.device, in.spec.compute, in.files.config.head_dim, in.sharding.stage);
  const auto size = [&](std::int64_t n) { return graphed_size(n, graphs); };
  return activation_copies(graphs) *
         static_cast<std::int64_t>(model::activation_bytes(
             in.files.config, in.spec, in.recompute(), {size(tokens), size(in.supervised(tokens)), length}));
}

RankBytes bytes_held(const PlanInput& in, std::int64_t checkpoint) {
  RankBytes bytes;
  bytes.held = model::estimate_memory(in.files, in.spec, state_bytes(in.config, in.spec), in.sharding);
  bytes.checkpoint = checkpoint_memory(in.config.train, in.spec.device, checkpoint);
  bytes.reserved = static_cast<std::int64_t>(in.machine.reserved_gib * kGibibyte);
  return bytes;
}

// train.micro_tokens auto: as many rows as memory holds, by the rule of a run.
std::int64_t micro_tokens_that_fit(const PlanInput& in, const RankBytes& held, std::int64_t memory,
                                   std::int64_t rows) {
  if (memory == 0)
    throw Error(Exit::usage, "PL002", "memory not known", "train.micro_tokens", "auto is what memory holds",
                "give --machine or --gpu_memory_gib, or a number of tokens");
  const double free = kUsedMemory * static_cast<double>(memory) - static_cast<double>(held.total());
  const auto bytes = [&](std::int64_t n) { return static_cast<double>(activations_of(in, n)); };
  return in.config.data.max_length * std::max<std::int64_t>(1, fitting_tokens(free, bytes, 1, rows));
}

StepRows rows_of(const PlanInput& in, const RankBytes& held, std::int64_t memory) {
  const TrainOptions& train = in.config.train;
  StepRows step;
  step.length = in.config.data.max_length;
  step.rows =
      train.batch_tokens > 0 ? std::max<std::int64_t>(1, train.batch_tokens / step.length) : train.batch_size;
  const std::int64_t ranks = in.sharding.ranks;
  const std::int64_t micro_tokens =
      train.micro_tokens ? *train.micro_tokens
                         : micro_tokens_that_fit(in, held, memory, (step.rows + ranks - 1) / ranks);
  if (micro_tokens < step.length)
    throw Error(Exit::usage, "PL001", "a row is larger than a micro-batch", "train.micro_tokens",
                std::to_string(micro_tokens) + " tokens, and rows have " + std::to_string(step.length),
                "raise it, or lower data.max_length");
  const std::vector<std::int64_t> lengths(step.rows, step.length);
  const auto bins = data::plan_bins(lengths, {.micro_tokens = micro_tokens, .world_size = in.sharding.ranks});
  step.micro_batches = std::ssize(bins.front());
  for (const auto& of_rank : bins)
    for (const data::Bin& bin : of_rank) step.micro_rows = std::max(step.micro_rows, std::ssize(bin));
  return step;
}

// Checkpoints are cut by the shard plan at every stage.
CheckpointPlan checkpoint_of(const PlanInput& in, const ArenaLayout& trained) {
  const std::int64_t element = in.trained_bytes();
  CheckpointPlan plan;
  plan.rank_bytes = checkpoint_share(in.config.optim, trained, in.sharding, element);
  plan.bytes = trained.size * element + optim::state_bytes(in.config.optim, trained);
  plan.on_disk = plan.bytes * (in.config.train.keep + 1);  // the newest is whole before the oldest goes
  const double rate = in.machine.disk_gb_s * 1e9;
  if (rate > 0)
    plan.seconds =
        static_cast<double>(plan.rank_bytes * train::ranks_on_node(in.sharding.ranks, in.machine)) / rate;
  return plan;
}

// Clears and reads gradients (norm, update), reads and writes weights and state, writes the views.
double optimizer_bytes(const PlanInput& in, const RankBytes& bytes, const ArenaLayout& trained,
                       std::int64_t owned) {
  const bool sharded = in.sharding.stage > 0;
  const auto moved = static_cast<double>(sharded ? owned : trained.size);
  const double views =
      in.spec.master == in.spec.compute ? 0 : static_cast<double>(c10::elementSize(in.spec.compute));
  return static_cast<double>(bytes.held.gradients + 2 * bytes.held.optimizer) +
         moved * (8 + 2 * static_cast<double>(in.trained_bytes()) + views);
}

void plan_time(const PlanInput& in, const ArenaLayout& trained, RunPlan& plan) {
  const StepRows& step = plan.step;
  const model::TokenFlops token =
      model::token_flops(in.files, in.spec, in.recompute(), step.length, in.options.supervised);
  plan.flops = token.total() * static_cast<double>(step.tokens());
  if (in.options.machine.empty()) return;
  const double tokens =
      static_cast<double>(step.tokens()) / static_cast<double>(plan.ranks * step.micro_batches);
  std::int64_t owned = 0;
  for (const BlockRange& block : trained.blocks) owned += model::owned_of(block.range.length(), in.sharding);
  const bool wide = in.spec.compute == at::kFloat;
  plan.seconds = train::step_seconds({.forward_flops = token.forward * tokens,
                                      .backward_flops = token.backward * tokens,
                                      .micro_batches = step.micro_batches,
                                      .wide = wide,
                                      .optimizer_bytes = optimizer_bytes(in, plan.bytes, trained, owned)},
                                     plan.collectives, plan.ranks, in.machine);
  plan.peak_flops = 1e12 * (wide ? in.machine.tflops_fp32 : in.machine.tflops_bf16) * plan.ranks /
                    train::sharers(plan.ranks, in.machine);
}

}  // namespace

RunPlan plan_run(Config& config, const PlanOptions& options) {
  const MachineOptions machine = machine_of(options);
  resolve(config, machine);
  const PlanInput in = input_of(config, options, machine);
  const ArenaLayout trained = model::trained_layout(in.files, in.spec);
  RunPlan plan;
  plan.device = config.model.device;
  plan.dtype = config.model.dtype;
  plan.ranks = in.sharding.ranks;
  plan.stage = in.sharding.stage;
  const std::int64_t local = train::ranks_on_node(plan.ranks, machine);
  plan.nodes = static_cast<int>((plan.ranks + local - 1) / local);
  for (const formats::TensorInfo& info : in.files.tensors->tensors())
    plan.parameters += c10::multiply_integers(info.shape);
  for (const ParameterSlice& slice : trained.parameters) plan.trained += slice.range.length();
  plan.checkpoint = checkpoint_of(in, trained);
  plan.memory = memory_of(in);
  plan.bytes = bytes_held(in, plan.checkpoint.rank_bytes);
  plan.step = rows_of(in, plan.bytes, plan.memory);
  config.train.micro_tokens = std::max(config.train.micro_tokens.value_or(0), plan.step.micro_tokens());
  plan.bytes.activations = activations_of(in, plan.step.micro_rows);
  plan.collectives = train::communication_plan(
      {.segments = model::segments_of(in.files, in.spec),
       .sharding = in.sharding,
       .element_bytes = static_cast<std::int64_t>(c10::elementSize(in.spec.compute)),
       .micro_batches = plan.step.micro_batches});
  plan_time(in, trained, plan);
  return plan;
}

}  // namespace hone::launcher
