#pragma once
// The next token from a row of logits: first the logit processors (logit_processors.h), then the likeliest id
// (temperature 0; the lowest among equals) or one drawn by softmax. Seeded: the draw is a function of (seed,
// prompt, position) and of the logits.
#include <cstdint>
#include <span>

namespace hone::generate {

struct SamplerSettings {
  double temperature = 0;  // 0: greedy, and of the processors only the repetition penalty runs
  std::int64_t top_k = 0;  // 0: all
  double top_p = 1;
  double min_p = 0;
  double repetition_penalty = 1;  // > 0
  std::uint64_t seed = 42;
};

using Seen = std::span<const std::int32_t>;  // a row's ids so far, prompt and answer

struct Draw {
  std::uint64_t prompt = 0;
  std::uint64_t position = 0;
};

// What the draw is made with, in [0, 1).
double uniform(const SamplerSettings& settings, const Draw& draw);

std::int32_t sample(std::span<const float> logits, Seen seen, const SamplerSettings& settings,
                    const Draw& draw);

}  // namespace hone::generate
