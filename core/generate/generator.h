#pragma once
// Continuations of prompts: one packed pass over the prompts, then a token at a time for those not yet done,
// with cached keys and values. Prompts go through in groups; a result does not depend on its group.
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "core/generate/sampler.h"
#include "core/model/model.h"

namespace hone::generate {

struct GenerateSettings {
  SamplerSettings sampler;
  std::int64_t max_new_tokens = 128;
  std::int64_t group = 32;  // prompts at once
  nn::AdapterMode adapters = nn::AdapterMode::all;
  std::vector<std::int32_t> end_ids;  // any of them ends an answer and is its last token
};

struct Prompt {
  std::uint64_t index = 0;  // over all ranks: keys the sampling
  std::vector<std::int32_t> ids;
};

using Answer = std::vector<std::int32_t>;

// Who is told how it goes; `prompt` is the place in the list of prompts.
struct Watcher {
  std::function<bool(std::size_t prompt, std::int32_t id)> stop =
      nullptr;  // of each new id; true: it is the last
  std::function<void(std::size_t prompt, const Answer& answer)> done = nullptr;
};

// New ids of each prompt, in order. Empty prompts are an Error.
std::vector<Answer> generate(const model::Model& model, const std::vector<Prompt>& prompts,
                             const GenerateSettings& settings, const Watcher& watcher = {});

// A text that grows turn by turn. What the model has seen of it stays cached, so that a turn costs the ids
// that are new since the last one. The model is kept by reference.
class Conversation {
 public:
  Conversation(const model::Model& model, GenerateSettings settings);
  ~Conversation();
  // Continues `prompt`: the whole text so far, not what is new of it. Equal to what generate() gives for it.
  Answer answer(const Prompt& prompt, const Watcher& watcher = {});

 private:
  struct Memory;
  const model::Model& model_;
  GenerateSettings settings_;
  std::unique_ptr<Memory> memory_;
};

}  // namespace hone::generate
