#pragma once
// Scores of a held-out set: forward only, shared out over ranks.
#include <functional>

#include "core/objective/objective.h"
#include "core/ports/communicator.h"
#include "core/ports/train_observer.h"

namespace hone::train {

// This rank's share of the set, batch by batch.
using BatchVisitor = std::function<void(const TokenBatch&)>;
using HeldOut = std::function<void(const BatchVisitor&)>;

// Loss per supervised token and share of them that were likeliest, over all ranks. `each` (if any) sees every sequence this rank scored.
EvalResult evaluate(const objective::Objective& objective, const model::Model& model, const HeldOut& held_out,
                    Communicator& communicator, nn::AdapterMode adapters = nn::AdapterMode::all,
                    const std::function<void(const objective::SequenceScore&)>& each = nullptr);

}  // namespace hone::train
