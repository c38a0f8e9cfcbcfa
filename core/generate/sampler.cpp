#include "core/generate/sampler.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "core/base/philox.h"

namespace hone::generate {
namespace {

double uniform(const SamplerSettings& settings, const Draw& draw) {
  const PhiloxCounter words = philox({static_cast<std::uint32_t>(draw.prompt), static_cast<std::uint32_t>(draw.prompt >> 32),
                                      static_cast<std::uint32_t>(draw.position), 0x73616d70u},
                                     philox_key(settings.seed));
  const std::uint64_t bits = (std::uint64_t{words[0]} << 32 | words[1]) >> 11;
  return static_cast<double>(bits) * 0x1.0p-53;
}

// Ids from the likeliest down, as many as may be drawn.
std::vector<std::int32_t> candidates(std::span<const float> logits, std::int64_t top_k) {
  std::vector<std::int32_t> ids(logits.size());
  std::iota(ids.begin(), ids.end(), 0);
  const auto likelier = [&](std::int32_t a, std::int32_t b) {
    return logits[a] != logits[b] ? logits[a] > logits[b] : a < b;
  };
  const auto size = static_cast<std::int64_t>(ids.size());
  const std::int64_t keep = top_k > 0 ? std::min(top_k, size) : size;
  std::partial_sort(ids.begin(), ids.begin() + keep, ids.end(), likelier);
  ids.resize(keep);
  return ids;
}

}  // namespace

std::int32_t sample(std::span<const float> logits, const SamplerSettings& settings, const Draw& draw) {
  if (settings.temperature <= 0)
    return static_cast<std::int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
  const std::vector<std::int32_t> ids = candidates(logits, settings.top_k);
  std::vector<double> weight(ids.size());
  double total = 0;
  for (std::size_t i = 0; i < ids.size(); ++i)
    total += weight[i] = std::exp((static_cast<double>(logits[ids[i]]) - logits[ids[0]]) / settings.temperature);
  double kept = 0;
  std::size_t count = 0;
  while (count < ids.size() && (count == 0 || kept < settings.top_p * total)) kept += weight[count++];
  double point = uniform(settings, draw) * kept;
  for (std::size_t i = 0; i < count; ++i)
    if ((point -= weight[i]) < 0) return ids[i];
  return ids[count - 1];
}

}  // namespace hone::generate
