#pragma once
// From [model] and [adapter] to a model with its weights.
#include <memory>
#include <optional>

#include "core/model/builder.h"
#include "core/model/memory.h"
#include "core/model/model.h"
#include "dist/mpi_session.h"
#include "launcher/model_input.h"

namespace hone::launcher {

// What a model is built as; files of adapters are not in it yet. model.dtype must be resolved.
model::BuildSpec build_spec(const Config& config, Purpose purpose);
model::StateBytes state_bytes(const Config& config,
                              const model::BuildSpec& spec);  // of the optimizer, in the device's memory

// Refuses settings that no model can be trained with.
void require_trainable(const Config& config, const model::BuildSpec& spec);

// model.dtype must be resolved. With adapter.init, rank, alpha and targets are written into the config.
// Memory is checked before loading.
// `available`: memory for it; not given: all that is free.
model::Model build_model(Config& config, Purpose purpose, const model::Sharding& sharding = {},
                         std::optional<std::int64_t> available = {});

// This rank's share of the memory that is free where it computes, looked at by all ranks before any takes more of it.
// All ranks.
std::int64_t memory_share(const dist::MpiSession& session, Communicator& communicator, at::Device device);

// What [dist] and [optim] say of sharding over so many ranks.
model::ZeroPlan zero_plan(const Config& config, int world_size);

// The same over the ranks that there are, with the groups of ranks that it needs (none: all ranks share).
struct ShardGroups {
  CommunicatorPtr shards, replicas;
  model::Sharding sharding;
};
ShardGroups make_sharding(const Config& config, Communicator& communicator);

// The digest that ties a checkpoint to its base model and adapters.
std::uint64_t base_fingerprint(const Config& config);

}  // namespace hone::launcher
