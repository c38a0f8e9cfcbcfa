#pragma once
// What a prepared data set looks like, and what is likely wrong with it: the same however the rows were dealt to
// ranks.
#include <cstdint>
#include <span>
#include <vector>

#include "core/base/json.h"
#include "core/ports/communicator.h"
#include "data/shard/row_bounds.h"

namespace hone::data {

struct RowStats {
  std::uint64_t hash = 0;         // of the token ids and the mask
  std::int32_t length = 0;        // whole
  std::int32_t supervised = 0;    // of the whole row, the first token aside
  std::int32_t kept_targets = 0;  // of them, in what is read: within max_length, or in chunks
  std::int32_t empty_answer = 0;
};

// How many rows, and the first few of them by number.
struct RowList {
  std::int64_t count = 0;
  std::vector<std::int64_t> first;
  void add(std::int64_t row);
};

struct PrepareReport {
  std::int64_t rows = 0, tokens = 0, supervised_tokens = 0;
  std::int64_t shards = 0;
  std::int64_t max_length = 0;
  LengthCounts lengths;
  std::int64_t length_min = 0, length_p50 = 0, length_p90 = 0, length_p99 = 0, length_max = 0;
  RowList longer_than_max;
  RowList without_target;  // in what is read: training leaves them out
  RowList duplicates;      // of an earlier row
  RowList empty_answers;
};

// All ranks, each with its own rows, which come after those of lower ranks; the same report on all of them, but for
// `shards`, which is left. A rank is sent what grows with the number of different lengths, and 16 bytes for each row
// of its share of the hashes.
PrepareReport lint(std::span<const RowStats> mine, std::int64_t max_length, Communicator& comm);
OrderedJson to_json(const PrepareReport& report);

}  // namespace hone::data
