#include "core/model/registry.h"

#include "core/base/registry.h"
#include "core/model/llama.h"

namespace hone::model {

std::unique_ptr<Family> make_family(const formats::ModelConfig& config, ModuleBuilder& builder) {
  return Registry<std::unique_ptr<Family>>{"model family", config.family}
      .entry("llama", [&] { return make_llama(config, builder); })
      .entry("qwen2", [&] { return make_llama(config, builder); })
      .build();
}

Model build_model(const formats::ModelFiles& files, const BuildSpec& spec, bool recompute) {
  ModuleBuilder builder(*files.tensors, spec);
  ModelParts parts;
  parts.config = files.config;
  parts.compute = spec.compute;
  parts.family = make_family(files.config, builder);
  parts.arena = builder.finish();
  parts.sharded = std::make_shared<std::vector<ShardedWeights>>(builder.sharded());
  parts.frozen_bytes = builder.frozen_bytes();
  parts.neftune_noise_alpha = spec.neftune_noise_alpha;
  parts.offload_block_inputs = spec.offload_block_inputs;
  parts.strands = spec.strands;
  parts.adapted_modules = builder.adapted_modules();
  return Model(std::move(parts), spec.seed, recompute);
}

}  // namespace hone::model
