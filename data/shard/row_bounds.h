#pragma once
// What is known of rows without reading them: a few numbers a shard and how many rows there are of each
// length, kept in the index, so that opening a set costs the same for any number of rows.
#include <cstdint>
#include <map>

#include "data/sample.h"
#include "data/shard/reading.h"

namespace hone::data {

// Of the whole rows of a shard. A target is a supervised token after a row's first.
struct RowBounds {
  std::int64_t shortest = 0, longest = 0;  // tokens
  std::int64_t without_target = 0;         // rows
  std::int64_t first_target = 0;           // the most tokens that lie before a row's first target
  std::int64_t last_target = 0;  // the most tokens from a row's last target to its end, both included
  bool operator==(const RowBounds&) const = default;
  void add(const Sample& sample);
};

// Whether each row, read so, is one sample.
bool one_window_each(const RowBounds& bounds, const Reading& reading);
// Whether each sample that the rows become surely has a target; where not, the rows have to be looked at.
bool all_have_targets(const RowBounds& bounds, const Reading& reading);
std::int64_t longest_as_read(std::int64_t longest, const Reading& reading);

using LengthCounts = std::map<std::int64_t, std::int64_t>;  // tokens of a whole row to rows
std::int64_t tokens_as_read(const LengthCounts& lengths, const Reading& reading);

}  // namespace hone::data
