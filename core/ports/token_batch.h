#pragma once
// What a model sees of the data: packed sequences on the host, never padded. T tokens in S sequences.
#include <cstdint>
#include <vector>

namespace hone {

struct TokenBatch {
  std::vector<std::int32_t> tokens;       // [T]
  std::vector<std::int32_t> positions;    // [T], from 0 in each sequence
  std::vector<std::int32_t> token_types;  // [T] or empty (BERT's segments)
  std::vector<std::uint8_t>
      supervised;  // [T]: 1 where the token is a target; unshifted: belongs to tokens[i]
  std::vector<std::int32_t> cu_seqlens{0};  // [S + 1], cumulative lengths
  std::vector<std::int64_t> sample;         // [S]: place in the global order of this epoch
  std::vector<std::int32_t> slot;           // [S]: which of the sample's sequences
  std::vector<std::int32_t> prefix;         // [S]: the sequence of this batch it continues, or -1
  std::int64_t epoch = 0;

  std::int64_t token_count() const { return static_cast<std::int64_t>(tokens.size()); }
  std::int64_t sequence_count() const { return static_cast<std::int64_t>(sample.size()); }
  bool empty() const { return tokens.empty(); }
};

// Rows whose hidden state predicts a supervised token: (row, target) with target == tokens[row + 1].
struct TargetRows {
  std::vector<std::int64_t> row;
  std::vector<std::int64_t> target;
  std::vector<std::int64_t> sequence;  // owner of each row, an index into [0, S)
};
TargetRows target_rows(const TokenBatch& batch);

}  // namespace hone
