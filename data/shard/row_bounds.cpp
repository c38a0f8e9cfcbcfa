#include "data/shard/row_bounds.h"

#include <algorithm>

namespace hone::data {

void RowBounds::add(const Sample& sample) {
  const auto length = static_cast<std::int64_t>(sample.ids.size());
  const bool first_row = longest == 0 && shortest == 0 && without_target == 0;
  shortest = first_row ? length : std::min(shortest, length);
  longest = std::max(longest, length);
  const auto& mask = sample.supervised;
  const auto first = mask.empty() ? mask.end() : std::find(mask.begin() + 1, mask.end(), 1);
  if (first == mask.end()) {
    ++without_target;
    return;
  }
  first_target = std::max<std::int64_t>(first_target, first - mask.begin());
  last_target =
      std::max<std::int64_t>(last_target, std::find(mask.rbegin(), mask.rend(), 1) - mask.rbegin() + 1);
}

bool one_window_each(const RowBounds& bounds, const Reading& reading) {
  return window_count(bounds.longest, reading) == 1;
}

bool all_have_targets(const RowBounds& bounds, const Reading& reading) {
  const bool whole = reading.max_length == 0 || bounds.longest <= reading.max_length;
  if (!whole && reading.chunk) return false;  // the last chunk of a row may be a single token
  if (reading.train_on == TrainOn::all) return bounds.shortest >= 2 && (whole || reading.max_length >= 2);
  if (bounds.without_target > 0) return false;
  if (whole) return true;
  return reading.truncation_side == TruncationSide::right ? bounds.first_target < reading.max_length
                                                          : bounds.last_target < reading.max_length;
}

std::int64_t longest_as_read(std::int64_t longest, const Reading& reading) {
  return reading.max_length > 0 ? std::min(longest, reading.max_length) : longest;
}

std::int64_t tokens_as_read(const LengthCounts& lengths, const Reading& reading) {
  std::int64_t tokens = 0;
  for (const auto& [length, rows] : lengths) {
    const std::int64_t windows = window_count(length, reading);
    const RowWindow last = window_of(length, windows - 1, reading);
    tokens += rows * ((windows - 1) * reading.max_length + last.end - last.begin);
  }
  return tokens;
}

}  // namespace hone::data
