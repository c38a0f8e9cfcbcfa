#pragma once
// Samples in a shard: column `ids` (16 bits where the vocabulary allows), `spans` (begin, end of each
// supervised run) and `row` (number of the input row). Whole rows are kept; truncation, chunks and train_on
// apply on reading (reading.h).
#include <cstdint>
#include <string>
#include <vector>

#include "data/sample.h"
#include "data/shard/reading.h"
#include "data/shard/row_bounds.h"
#include "data/shard/shard_file.h"

namespace hone::data {

// What token ids mean: a shard made with another tokenizer or template is refused (DS010).
struct Fingerprint {
  std::uint64_t tokenizer = 0;
  std::uint64_t chat_template = 0;
  std::int32_t vocab_size = 0;
};
void require_same_meaning(const Fingerprint& made_with, const Fingerprint& wanted, const std::string& where);

class SampleShardWriter {
 public:
  explicit SampleShardWriter(const Fingerprint& fingerprint);
  void add(const Sample& sample);
  std::int64_t tokens() const { return tokens_; }
  const RowBounds& bounds() const { return bounds_; }
  std::vector<std::byte> image() const;

 private:
  ShardHeader header_;
  std::vector<Column> columns_;
  std::int64_t tokens_ = 0;
  RowBounds bounds_;
};

class SampleShard {
 public:
  explicit SampleShard(const std::string& path);
  const std::string& path() const { return file_.path(); }
  void require(const Fingerprint& fingerprint) const;

  std::int64_t rows() const { return static_cast<std::int64_t>(file_.header().rows); }
  std::int64_t length(std::int64_t row) const;  // whole
  // `number` counts the row's windows.
  bool has_target(std::int64_t row, const Reading& reading, std::int64_t number = 0) const;
  Sample read(std::int64_t row, const Reading& reading, std::int64_t number = 0) const;
  // Hints that length(), and then read(), are going to be asked of this row, so that many rows are waited for
  // at once.
  void fetch_length(std::int64_t row) const;
  void fetch(std::int64_t row, const Reading& reading, std::int64_t number) const;
  // What read() gives, at the end of what is there.
  void append(std::int64_t row, const Reading& reading, std::int64_t number, std::vector<std::int32_t>& ids,
              std::vector<std::uint8_t>& supervised) const;
  std::uint64_t digest() const { return file_.digest(); }
  std::int64_t checked_blocks() const { return file_.checked_blocks(); }

 private:
  std::span<const std::int32_t> spans(std::int64_t row) const;
  void append_ids(std::int64_t row, const RowWindow& window, std::vector<std::int32_t>& ids) const;

  ShardFile file_;
};

}  // namespace hone::data
