#include "data/shard/reading.h"

#include <algorithm>

#include "core/base/error.h"

namespace hone::data {

std::int64_t window_count(std::int64_t length, const Reading& reading) {
  if (!reading.chunk || length <= reading.max_length) return 1;
  const std::int64_t stride = reading.max_length - reading.chunk_overlap;
  HONE_CHECK(reading.max_length > 0 && stride > 0);
  return 1 + (length - reading.max_length + stride - 1) / stride;
}

RowWindow window_of(std::int64_t length, std::int64_t number, const Reading& reading) {
  if (reading.max_length == 0 || length <= reading.max_length) return {0, length, 0};
  if (!reading.chunk)
    return reading.truncation_side == TruncationSide::right
               ? RowWindow{0, reading.max_length, 0}
               : RowWindow{length - reading.max_length, length, 0};
  const std::int64_t begin = number * (reading.max_length - reading.chunk_overlap);
  return {begin, std::min(length, begin + reading.max_length), number > 0 ? reading.chunk_overlap : 0};
}

}  // namespace hone::data
