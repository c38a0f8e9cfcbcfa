#pragma once
// How whole rows become samples: by being cut to max_length on one side, or into chunks that cover the row. Pure
// arithmetic on lengths, so that one prepared folder serves every setting and no row is copied.
#include <cstdint>

namespace hone::data {

enum class TrainOn { completion, all };
enum class TruncationSide { right, left };

struct Reading {
  std::int64_t max_length = 0;  // 0: whole rows
  TrainOn train_on = TrainOn::completion;
  TruncationSide truncation_side = TruncationSide::right;  // what is lost of a longer row
  bool chunk = false;              // a longer row becomes chunks instead; needs max_length
  std::int64_t chunk_overlap = 0;  // tokens a chunk repeats of the one before; below max_length
};

// Tokens [begin, end) of a row. The first `context` of them are targets of the chunk before and not again of this one.
struct RowWindow {
  std::int64_t begin = 0, end = 0;
  std::int64_t context = 0;
  // A sequence's first token is never a target.
  std::int64_t first_target() const { return begin + (context > 1 ? context : 1); }
};

// Samples that a row of `length` tokens becomes: 1, or with chunks 1 + ceil((length - max_length) / stride) where the
// stride is max_length - chunk_overlap.
std::int64_t window_count(std::int64_t length, const Reading& reading);
RowWindow window_of(std::int64_t length, std::int64_t number, const Reading& reading);

}  // namespace hone::data
