#pragma once
// A step's samples cut into bins of at most micro_tokens tokens and dealt to ranks: the same number of bins
// on each, tokens balanced. A pure function of the lengths, the same on every rank.
#include <cstdint>
#include <span>
#include <vector>

namespace hone::data {

struct BinRules {
  std::int64_t micro_tokens = 2048;
  bool packing = true;  // best fit, longest first; false: filled in the order given
  int world_size = 1;
};

using Bin = std::vector<std::int64_t>;  // places in `lengths`, rising; may be empty

// [rank][micro-batch]. No length may exceed micro_tokens.
std::vector<std::vector<Bin>> plan_bins(std::span<const std::int64_t> lengths, const BinRules& rules);

}  // namespace hone::data
