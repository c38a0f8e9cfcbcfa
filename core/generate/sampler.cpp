#include "core/generate/sampler.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/base/philox.h"
#include "core/generate/likeliest_first.h"
#include "core/generate/logit_processors.h"

namespace hone::generate {
namespace {

std::int32_t likeliest(std::span<const float> logits) {
  return static_cast<std::int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

// The distribution function goes from the likeliest id down.
std::int32_t draw_by_softmax(std::span<const float> logits, double uniform) {
  LikeliestFirst ids(logits);
  const std::int32_t best = likeliest(logits);
  const auto weight = [&](std::int32_t id) {
    return std::exp(static_cast<double>(logits[id]) - logits[best]);
  };
  double total = 0;
  for (const std::int32_t id : ids.left()) total += weight(id);
  double point = uniform * total;
  while (!ids.empty()) {
    const std::int32_t id = ids.next();
    if ((point -= weight(id)) < 0) return id;
  }
  return best;  // rounding left the point at the very end
}

}  // namespace

double uniform(const SamplerSettings& settings, const Draw& draw) {
  const PhiloxCounter words =
      philox({static_cast<std::uint32_t>(draw.prompt), static_cast<std::uint32_t>(draw.prompt >> 32),
              static_cast<std::uint32_t>(draw.position), 0x73616d70u},
             philox_key(settings.seed));
  const std::uint64_t bits = (std::uint64_t{words[0]} << 32 | words[1]) >> 11;
  return static_cast<double>(bits) * 0x1.0p-53;
}

std::int32_t sample(std::span<const float> logits, Seen seen, const SamplerSettings& settings,
                    const Draw& draw) {
  std::vector<float> processed;
  for (const LogitProcessor& processor : logit_processors()) {
    if (!processor.wanted(settings)) continue;
    if (processed.empty()) processed.assign(logits.begin(), logits.end());
    processor.apply(processed, seen, settings);
  }
  const std::span<const float> row = processed.empty() ? logits : std::span<const float>(processed);
  return settings.temperature > 0 ? draw_by_softmax(row, uniform(settings, draw)) : likeliest(row);
}

}  // namespace hone::generate
