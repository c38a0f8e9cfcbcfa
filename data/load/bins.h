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
  // Bins as one rank would have them, a power of two of them: bin i is micro-batch i / world_size of rank
  // i % world_size, so that the same bins meet in the same order on any power of two of ranks.
  bool tree = false;
};

// Places in `lengths`; may be empty. Under packing so ordered that the halves of a bin hold alike many tokens, and so
// each half's: threads take a stretch of it each (core/model/strands.h). Else rising.
using Bin = std::vector<std::int64_t>;

// [rank][micro-batch]. No length may exceed micro_tokens.
std::vector<std::vector<Bin>> plan_bins(std::span<const std::int64_t> lengths, const BinRules& rules);

}  // namespace hone::data
