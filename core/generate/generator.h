#pragma once
// Continuations of prompts: one packed pass over the prompts, then a token at a time for those not yet done, with
// cached keys and values. Prompts go through in groups; a result does not depend on its group.
#include <cstdint>
#include <functional>
#include <vector>

#include "core/generate/sampler.h"
#include "core/model/model.h"

namespace hone::generate {

struct GenerateSettings {
  SamplerSettings sampler;
  std::int64_t max_new_tokens = 128;
  std::int64_t group = 32;                // prompts at once
  nn::AdapterMode adapters = nn::AdapterMode::all;
  std::vector<std::int32_t> end_ids;      // any of them ends an answer and is its last token
};

struct Prompt {
  std::uint64_t index = 0;  // over all ranks: keys the sampling
  std::vector<std::int32_t> ids;
};

// New ids of each prompt, in order; `done` (if any) is called as each is ready. Empty prompts are an Error.
using Answer = std::vector<std::int32_t>;
using Done = std::function<void(std::size_t prompt, const Answer& answer)>;
std::vector<Answer> generate(const model::Model& model, const std::vector<Prompt>& prompts,
                             const GenerateSettings& settings, const Done& done = nullptr);

}  // namespace hone::generate
