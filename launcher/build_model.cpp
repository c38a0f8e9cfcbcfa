#include "launcher/build_model.h"

#include <ATen/Parallel.h>
#include <xxhash.h>

#include "core/base/error.h"
#include "core/device/device.h"
#include "core/formats/tensor_source.h"
#include "core/model/compute_type.h"
#include "core/model/memory.h"
#include "core/model/registry.h"
#include "core/optim/optimizer_on.h"
#include "core/train/sharded_gradients.h"
#include "dist/gpu_share.h"

namespace hone::launcher {
namespace {

model::Trained what_is_trained(const Config& config, Purpose purpose) {
  if (purpose == Purpose::infer) return model::Trained::nothing;
  return config.adapter.type == "lora" ? model::Trained::adapter : model::Trained::everything;
}

}  // namespace

model::BuildSpec build_spec(const Config& config, Purpose purpose) {
  model::BuildSpec spec;
  spec.compute = model::compute_type(config.model.dtype);
  spec.master = model::compute_type(config.model.master_dtype);
  spec.nf4 = config.model.quantize == "nf4";
  spec.double_quant = config.model.double_quant;
  spec.trained = what_is_trained(config, purpose);
  spec.lora = adapter::lora_settings(config.adapter);
  spec.device = device::device_of(config.model.device);
  spec.offload_block_inputs = purpose == Purpose::train && config.train.offload == "block_inputs";
  spec.neftune_noise_alpha = config.train.neftune_noise_alpha;
  spec.strands = config.dist.deterministic != "tree";
  spec.seed = static_cast<std::uint64_t>(config.train.seed);
  return spec;
}

model::StateBytes state_bytes(const Config& config, const model::BuildSpec& spec) {
  const StateType weights = spec.master == at::kFloat ? StateType::f32 : StateType::bf16;
  return [&config, device = spec.device, weights](const ArenaLayout& trained, std::int64_t owned) {
    return optim::state_bytes_on(device, config.optim, trained, owned, weights);
  };
}

model::ZeroPlan zero_plan(const Config& config, int world_size) {
  const bool tree = config.dist.deterministic == "tree";
  const auto ranks = static_cast<int>(config.dist.shard_ranks);
  const auto stage =
      world_size > 1 ? static_cast<int>(config.dist.zero) : 0;  // alone there is nobody to share with
  return {stage, ranks > 0 ? ranks : world_size,
          tree ? train::kTreeGranule : optim::granule_of(config.optim)};
}

ShardGroups make_sharding(const Config& config, Communicator& communicator) {
  const model::ZeroPlan plan = zero_plan(config, communicator.world_size());
  ShardGroups groups{nullptr, nullptr, {plan.stage, plan.granule, &communicator}};
  const int ranks = static_cast<int>(config.dist.shard_ranks);
  if (plan.stage == 0 || ranks == 0 || ranks == communicator.world_size()) return groups;
  groups.shards = communicator.split(communicator.rank() / ranks);
  groups.replicas = communicator.split(communicator.rank() % ranks);
  groups.sharding.communicator = groups.shards.get();
  groups.sharding.replicas = groups.replicas.get();
  return groups;
}

void require_trainable(const Config& config, const model::BuildSpec& spec) {
  if (spec.master != at::kFloat && spec.master != spec.compute)
    throw Error(Exit::usage, "US043", "weights kept in another type than they compute in",
                "model.master_dtype", "bf16, and model.dtype is " + config.model.dtype,
                "set model.dtype bf16, or model.master_dtype fp32");
  if (spec.offload_block_inputs && config.train.recompute != "block")
    throw Error(Exit::usage, "US050", "nothing to put aside", "train.offload",
                "block_inputs without recomputation", "set train.recompute block too");
  if (spec.nf4 && spec.trained == model::Trained::everything)
    throw Error(Exit::usage, "US020", "quantised weights cannot be trained", "model.quantize", "nf4",
                "train an adapter (adapter.type lora) or set model.quantize none");
}

std::int64_t memory_share(const dist::MpiSession& session, Communicator& communicator, at::Device device) {
  communicator.barrier()->wait();
  const std::int64_t free = model::available_memory(device);
  communicator.barrier()->wait();
  const bool shared = device.is_cpu() || dist::gpus_are_shared();
  return free / (shared ? session.local_size() : 1);
}

model::Model build_model(Config& config, Purpose purpose, const model::Sharding& sharding,
                         std::optional<std::int64_t> available) {
  const ModelInput input = open_model_input(config, purpose);
  const bool training = purpose == Purpose::train;
  model::BuildSpec spec = build_spec(config, purpose);
  spec.sharding = sharding;
  spec.strands = model::strands_fit(input.files, spec, at::get_num_threads());
  if (training) require_trainable(config, spec);
  spec.lora_init = input.init.get();
  for (const auto& adapter : input.frozen) spec.frozen_adapters.push_back(adapter.get());
  model::require_memory(input.files, spec, state_bytes(config, spec),
                        available.value_or(model::available_memory(spec.device)));
  return model::build_model(input.files, spec, training && config.train.recompute == "block");
}

std::uint64_t base_fingerprint(const Config& config) {
  const formats::ModelFiles files = open_base(config);
  std::string text = std::to_string(files.fingerprint);
  for (const formats::TensorInfo& info :
       files.tensors->tensors()) {  // a row of each tensor tells models apart
    std::vector<float> row(c10::multiply_integers(info.shape) / info.shape[0]);
    files.tensors->read_rows(info, 0, 1, row.data());
    text += std::to_string(XXH3_64bits(row.data(), row.size() * sizeof(float)));
  }
  for (const std::string& folder : config.model.adapters) {
    const formats::PeftAdapter adapter(folder);
    for (const formats::SafetensorsEntry& entry : adapter.file().entries())
      text += entry.info.name + std::to_string(XXH3_64bits(entry.bytes.data(), entry.bytes.size()));
  }
  return XXH3_64bits(text.data(), text.size());
}

}  // namespace hone::launcher
