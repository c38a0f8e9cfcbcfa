#include "data/load/bins.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <optional>
#include <set>
#include <utility>

#include "core/base/error.h"

namespace hone::data {
namespace {

struct Filled {
  Bin members;
  std::int64_t tokens = 0;
  void add(std::int64_t place, std::int64_t length) {
    members.push_back(place);
    tokens += length;
  }
};

std::vector<std::int64_t> longest_first(std::span<const std::int64_t> lengths) {
  std::vector<std::int64_t> order(lengths.size());
  std::iota(order.begin(), order.end(), std::int64_t{0});
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return lengths[a] > lengths[b]; });
  return order;
}

// Each sample into the fullest bin that still takes it.
std::vector<Filled> best_fit(std::span<const std::int64_t> lengths, std::int64_t capacity) {
  std::vector<Filled> bins;
  std::set<std::pair<std::int64_t, std::size_t>> by_room;  // (room left, bin)
  for (const std::int64_t place : longest_first(lengths)) {
    auto found = by_room.lower_bound({lengths[place], 0});
    std::size_t bin = bins.size();
    if (found == by_room.end()) {
      bins.emplace_back();
    } else {
      bin = found->second;
      by_room.erase(found);
    }
    bins[bin].add(place, lengths[place]);
    by_room.insert({capacity - bins[bin].tokens, bin});
  }
  return bins;
}

// Each sample into the emptiest of `count` bins; nothing where one of them overflows.
std::optional<std::vector<Filled>> spread(std::span<const std::int64_t> lengths, std::size_t count,
                                          std::int64_t capacity) {
  std::vector<Filled> bins(count);
  std::set<std::pair<std::int64_t, std::size_t>> by_load;
  for (std::size_t bin = 0; bin < count; ++bin) by_load.insert({0, bin});
  for (const std::int64_t place : longest_first(lengths)) {
    const std::size_t bin = by_load.extract(by_load.begin()).value().second;
    bins[bin].add(place, lengths[place]);
    if (bins[bin].tokens > capacity) return std::nullopt;
    by_load.insert({bins[bin].tokens, bin});
  }
  return bins;
}

std::vector<Filled> in_order(std::span<const std::int64_t> lengths, std::int64_t capacity) {
  std::vector<Filled> bins;
  for (std::size_t place = 0; place < lengths.size(); ++place) {
    if (bins.empty() || bins.back().tokens + lengths[place] > capacity) bins.emplace_back();
    bins.back().add(static_cast<std::int64_t>(place), lengths[place]);
  }
  return bins;
}

// The least capacity that still needs no more than `count` bins: the most even cut that keeps the order.
std::vector<Filled> even_in_order(std::span<const std::int64_t> lengths, std::size_t count,
                                  std::int64_t capacity) {
  std::int64_t low = lengths.empty() ? 0 : *std::max_element(lengths.begin(), lengths.end());
  while (low < capacity) {
    const std::int64_t middle = low + (capacity - low) / 2;
    if (in_order(lengths, middle).size() <= count)
      capacity = middle;
    else
      low = middle + 1;
  }
  return in_order(lengths, capacity);
}

std::size_t round_up(std::size_t count, std::size_t multiple) {
  return (count + multiple - 1) / multiple * multiple;
}

std::vector<Filled> cut(std::span<const std::int64_t> lengths, const BinRules& rules) {
  const auto world = static_cast<std::size_t>(rules.world_size);
  std::vector<Filled> bins =
      rules.packing ? best_fit(lengths, rules.micro_tokens) : in_order(lengths, rules.micro_tokens);
  if (world == 1) return bins;
  const std::size_t slots = round_up(bins.size(), world);  // all ranks run this many anyway: use them
  if (!rules.packing) return even_in_order(lengths, slots, rules.micro_tokens);
  if (auto even = spread(lengths, slots, rules.micro_tokens)) return *std::move(even);
  return bins;
}

// Longest first, each to the side with fewer tokens; within a side as they were; then each side likewise.
void balance_halves(std::span<std::int64_t> members, std::span<const std::int64_t> lengths) {
  if (members.size() < 3) return;
  Bin order(members.begin(), members.end());
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return lengths[a] > lengths[b]; });
  Filled first, second;
  for (const std::int64_t place : order) {
    const bool to_first =
        std::pair(first.tokens, first.members.size()) <= std::pair(second.tokens, second.members.size());
    (to_first ? first : second).add(place, lengths[place]);
  }
  for (Filled* side : {&first, &second}) std::sort(side->members.begin(), side->members.end());
  const auto middle = std::copy(first.members.begin(), first.members.end(), members.begin());
  std::copy(second.members.begin(), second.members.end(), middle);
  balance_halves(members.first(first.members.size()), lengths);
  balance_halves(members.last(second.members.size()), lengths);
}

// Fullest first, each to the rank with the fewest tokens so far among those with the fewest bins.
std::vector<std::vector<Bin>> deal(std::vector<Filled> bins, std::span<const std::int64_t> lengths,
                                   const BinRules& rules) {
  const auto world = static_cast<std::size_t>(rules.world_size);
  bins.resize(round_up(bins.size(), world));
  if (rules.packing)
    std::stable_sort(bins.begin(), bins.end(),
                     [](const Filled& a, const Filled& b) { return a.tokens > b.tokens; });
  std::vector<std::vector<Bin>> ranks(world);
  std::vector<std::int64_t> load(world, 0);
  std::vector<std::size_t> turn(world);
  std::iota(turn.begin(), turn.end(), std::size_t{0});
  for (std::size_t bin = 0; bin < bins.size(); ++bin) {
    if (rules.packing && bin % world == 0)
      std::stable_sort(turn.begin(), turn.end(), [&](auto a, auto b) { return load[a] < load[b]; });
    const std::size_t rank = turn[bin % world];
    load[rank] += bins[bin].tokens;
    std::sort(bins[bin].members.begin(), bins[bin].members.end());
    if (rules.packing) balance_halves(bins[bin].members, lengths);
    ranks[rank].push_back(std::move(bins[bin].members));
  }
  return ranks;
}

// See BinRules::tree.
std::vector<std::vector<Bin>> deal_for_tree(std::span<const std::int64_t> lengths, const BinRules& rules) {
  BinRules alone = rules;
  alone.world_size = 1;
  std::vector<Bin> bins = deal(cut(lengths, alone), lengths, alone)[0];
  const auto world = static_cast<std::size_t>(rules.world_size);
  bins.resize(std::bit_ceil(std::max(bins.size(), world)));
  std::vector<std::vector<Bin>> ranks(world);
  for (std::size_t i = 0; i < bins.size(); ++i) ranks[i % world].push_back(std::move(bins[i]));
  return ranks;
}

}  // namespace

std::vector<std::vector<Bin>> plan_bins(std::span<const std::int64_t> lengths, const BinRules& rules) {
  HONE_CHECK(rules.world_size > 0);
  HONE_CHECK(
      std::all_of(lengths.begin(), lengths.end(), [&](auto n) { return n >= 0 && n <= rules.micro_tokens; }));
  return rules.tree ? deal_for_tree(lengths, rules) : deal(cut(lengths, rules), lengths, rules);
}

}  // namespace hone::data
