#include "data/load/mixture.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "core/base/error.h"

namespace hone::data {
namespace {

constexpr int kDecimals = 9, kWholeDigits = 9;
constexpr std::int64_t kMaxCycle = std::int64_t{1} << 20;

[[noreturn]] void refuse(const std::string& why, const std::string& hint) {
  throw Error(Exit::usage, "DS021", "weights refused", "data.weights", why, hint);
}

bool all_digits(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Times 10^kDecimals: what is written is kept exactly.
std::int64_t scaled(const std::string& weight) {
  const std::size_t point = weight.find('.');
  const std::string whole = weight.substr(0, point);
  std::string part = point == std::string::npos ? "" : weight.substr(point + 1);
  if (whole.size() + part.size() == 0 || whole.size() > kWholeDigits || part.size() > kDecimals ||
      !all_digits(whole) || !all_digits(part))
    refuse("\"" + weight + "\" is no number of at least 0 with at most 9 digits before and after the point",
           "give numbers like 0.7 or 7");
  part.resize(kDecimals, '0');
  return std::stoll(whole + part);
}

// When, at the latest, a corpus drawn `drawn` times has to be drawn again, and from when on it may be: bounds
// that keep every count within 1 - 1 / (2 K - 2) of its share. All is times the cycle and 2 K - 2.
struct Race {
  std::int64_t cycle, spread;  // spread: 2 K - 2
  bool may(std::int64_t weight, std::int64_t drawn, std::int64_t draw) const {
    return (weight * draw - drawn * cycle) * spread >= cycle;
  }
  std::int64_t deadline(std::int64_t weight, std::int64_t drawn) const {
    const std::int64_t due = cycle * (spread - 1) + drawn * cycle * spread, rate = weight * spread;
    return (due + rate - 1) / rate;
  }
};

}  // namespace

std::vector<std::int64_t> mixture_weights(const std::vector<std::string>& weights, std::size_t inputs) {
  if (weights.empty()) return {};
  if (weights.size() != inputs)
    refuse(std::to_string(weights.size()) + " weights, data.train has " + std::to_string(inputs) + " inputs",
           "give one number an input");
  std::vector<std::int64_t> whole;
  std::int64_t common = 0;
  for (const std::string& weight : weights) {
    whole.push_back(scaled(weight));
    common = std::gcd(common, whole.back());
  }
  if (common == 0) refuse("all are 0", "give at least one input a weight");
  std::int64_t sum = 0;
  for (std::int64_t& weight : whole) sum = std::min(sum + (weight /= common), kMaxCycle + 1);
  if (sum > kMaxCycle)
    refuse("their proportion needs a cycle of more than " + std::to_string(kMaxCycle) + " samples",
           "give fewer digits");
  return whole;
}

Mixture::Mixture(const std::vector<std::int64_t>& weights) : weights_(weights) {
  std::vector<std::uint32_t> active;
  for (std::uint32_t corpus = 0; corpus < weights.size(); ++corpus)
    if (weights[corpus] > 0) active.push_back(corpus);
  HONE_CHECK(!active.empty());
  const std::int64_t cycle = std::accumulate(weights.begin(), weights.end(), std::int64_t{0});
  const Race race{cycle, std::max<std::int64_t>(1, 2 * (std::ssize(active) - 1))};
  std::vector<std::int64_t> drawn(weights.size(), 0), deadline(weights.size(), 0);
  for (const std::uint32_t corpus : active) deadline[corpus] = race.deadline(weights[corpus], 0);
  for (std::int64_t draw = 1; draw <= cycle; ++draw) {
    std::uint32_t next = active.front();
    std::int64_t earliest = std::numeric_limits<std::int64_t>::max();
    for (const std::uint32_t corpus : active)
      if (deadline[corpus] < earliest && race.may(weights[corpus], drawn[corpus], draw))
        earliest = deadline[next = corpus];
    cycle_.push_back({next, static_cast<std::uint32_t>(drawn[next]++)});
    deadline[next] = race.deadline(weights[next], drawn[next]);
  }
}

Mixture::Turn Mixture::at(std::int64_t draw) const {
  const std::int64_t cycle = draw / std::ssize(cycle_);
  const Slot& slot = cycle_[static_cast<std::size_t>(draw % std::ssize(cycle_))];
  return {slot.corpus, cycle * weights_[slot.corpus] + slot.before};
}

std::int64_t Mixture::draws_until(std::int64_t corpus, std::int64_t count) const {
  const std::int64_t weight = weights_[static_cast<std::size_t>(corpus)];
  const std::int64_t cycles = (count - 1) / weight, before = (count - 1) % weight;
  const auto slot = std::find_if(cycle_.begin(), cycle_.end(),
                                 [&](const Slot& s) { return s.corpus == corpus && s.before == before; });
  return cycles * std::ssize(cycle_) + (slot - cycle_.begin()) + 1;
}

}  // namespace hone::data
