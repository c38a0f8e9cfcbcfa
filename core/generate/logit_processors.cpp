#include "core/generate/logit_processors.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

namespace hone::generate {
namespace {

using Seen = std::span<const std::int32_t>;

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

// The smallest set of likeliest ids whose probability reaches top_p.
void keep_top_p(std::span<float> logits, Seen, const SamplerSettings& settings) {
  std::vector<std::int32_t> heap;
  for (std::size_t id = 0; id < logits.size(); ++id)
    if (logits[id] > kRuledOut) heap.push_back(static_cast<std::int32_t>(id));
  const auto less_likely = [&](std::int32_t a, std::int32_t b) {
    return logits[a] != logits[b] ? logits[a] < logits[b] : a > b;
  };
  if (heap.empty()) return;
  std::make_heap(heap.begin(), heap.end(), less_likely);
  const double most = logits[heap.front()];
  double total = 0, kept = 0;
  for (const std::int32_t id : heap) total += std::exp(logits[id] - most);
  do {
    kept += std::exp(logits[heap.front()] - most);
    std::pop_heap(heap.begin(), heap.end(), less_likely);
    heap.pop_back();
  } while (!heap.empty() && kept < settings.top_p * total);
  for (const std::int32_t id : heap) logits[id] = kRuledOut;
}

// Those at least min_p times as likely as the likeliest.
void keep_min_p(std::span<float> logits, Seen, const SamplerSettings& settings) {
  const double least = *std::max_element(logits.begin(), logits.end()) + std::log(settings.min_p);
  for (float& logit : logits)
    if (logit < least) logit = kRuledOut;
}

bool samples(const SamplerSettings& settings) {
  return settings.temperature > 0;
}

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
