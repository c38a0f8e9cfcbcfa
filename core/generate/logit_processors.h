#pragma once
// What is done to the logits of the next token before it is chosen: the list of processors in the order they
// run, which is that of transformers, as are their values. An id that is ruled out has logit -infinity; one
// id at least is left.
#include <cstdint>
#include <span>

#include "core/generate/sampler.h"

namespace hone::generate {

struct LogitProcessor {
  const char* name;
  bool (*wanted)(const SamplerSettings& settings);
  void (*apply)(std::span<float> logits, Seen seen, const SamplerSettings& settings);
};
std::span<const LogitProcessor> logit_processors();

}  // namespace hone::generate
