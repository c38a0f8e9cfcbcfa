#include "core/generate/logit_processors.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "core/generate/likeliest_first.h"

namespace hone::generate {
namespace {

constexpr float kRuledOut = -std::numeric_limits<float>::infinity();

// Each id once, however often it was there.
void penalise_repetition(std::span<float> logits, Seen seen, const SamplerSettings& settings) {
  const auto penalty = static_cast<float>(settings.repetition_penalty);
  std::vector<std::int32_t> ids(seen.begin(), seen.end());
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  for (const std::int32_t id : ids) logits[id] = logits[id] < 0 ? logits[id] * penalty : logits[id] / penalty;
}

void apply_temperature(std::span<float> logits, Seen, const SamplerSettings& settings) {
  for (float& logit : logits) logit /= static_cast<float>(settings.temperature);
}

// Those as likely as the k-th stay too.
void keep_top_k(std::span<float> logits, Seen, const SamplerSettings& settings) {
  if (settings.top_k >= static_cast<std::int64_t>(logits.size())) return;
  std::vector<float> sorted(logits.begin(), logits.end());
  std::nth_element(sorted.begin(), sorted.begin() + (settings.top_k - 1), sorted.end(), std::greater<>());
  const float least = sorted[settings.top_k - 1];
  for (float& logit : logits)
    if (logit < least) logit = kRuledOut;
}

double weight(float logit, float most) { return std::exp(static_cast<double>(logit) - most); }

// The smallest set of likeliest ids whose probability reaches top_p.
void keep_top_p(std::span<float> logits, Seen, const SamplerSettings& settings) {
  LikeliestFirst ids(logits);
  const float most = *std::max_element(logits.begin(), logits.end());
  double total = 0, kept = 0;
  for (const std::int32_t id : ids.left()) total += weight(logits[id], most);
  while (!ids.empty() && (kept == 0 || kept < settings.top_p * total))
    kept += weight(logits[ids.next()], most);
  for (const std::int32_t id : ids.left()) logits[id] = kRuledOut;
}

// Those at least min_p times as likely as the likeliest.
void keep_min_p(std::span<float> logits, Seen, const SamplerSettings& settings) {
  const double least = *std::max_element(logits.begin(), logits.end()) + std::log(settings.min_p);
  for (float& logit : logits)
    if (logit < least) logit = kRuledOut;
}

bool samples(const SamplerSettings& settings) { return settings.temperature > 0; }

}  // namespace

std::span<const LogitProcessor> logit_processors() {
  using S = SamplerSettings;
  static constexpr LogitProcessor kProcessors[] = {
      {"repetition_penalty", [](const S& s) { return s.repetition_penalty != 1; }, penalise_repetition},
      {"temperature", [](const S& s) { return samples(s) && s.temperature != 1; }, apply_temperature},
      {"top_k", [](const S& s) { return samples(s) && s.top_k > 0; }, keep_top_k},
      {"top_p", [](const S& s) { return samples(s) && s.top_p < 1; }, keep_top_p},
      {"min_p", [](const S& s) { return samples(s) && s.min_p > 0; }, keep_min_p},
  };
  return kProcessors;
}

}  // namespace hone::generate
