#pragma once
// The next token from a row of logits. Temperature 0 is greedy (the lowest id among equals). Otherwise logits are
// divided by the temperature, cut to the top_k likeliest, then to the smallest set whose probability reaches
// top_p, as transformers' warpers do in that order. Seeded: the draw is a function of (seed, prompt, position).
#include <cstdint>
#include <span>

namespace hone::generate {

struct SamplerSettings {
  double temperature = 0;
  std::int64_t top_k = 0;  // 0: all
  double top_p = 1;
  std::uint64_t seed = 42;
};

struct Draw {
  std::uint64_t prompt = 0;
  std::uint64_t position = 0;
};

std::int32_t sample(std::span<const float> logits, const SamplerSettings& settings, const Draw& draw);

}  // namespace hone::generate
