#include "data/shard/sample_shard.h"

#include <algorithm>
#include <array>

#include "core/base/error.h"
#include "data/shard/shard_writer.h"

namespace hone::data {
namespace {

enum ColumnNumber : std::size_t { kIds, kSpans, kRow };

const std::array<ColumnSpec, 3>& schema() {
  static const std::array<ColumnSpec, 3> columns{{{"ids", {IntType::u16, IntType::u32}, true},
                                                  {"spans", {IntType::i32}, true},
                                                  {"row", {IntType::i64}, false}}};
  return columns;
}

constexpr std::uint64_t kMaxNarrowVocab = 65536;

std::vector<std::int32_t> runs_of_ones(const std::vector<std::uint8_t>& supervised) {
  std::vector<std::int32_t> runs;
  for (std::size_t i = 0; i < supervised.size(); ++i) {
    const bool before = i > 0 && supervised[i - 1];
    if (static_cast<bool>(supervised[i]) != before) runs.push_back(static_cast<std::int32_t>(i));
  }
  if (runs.size() % 2) runs.push_back(static_cast<std::int32_t>(supervised.size()));
  return runs;
}

template <class T>
void append_ids(Column& column, const std::vector<std::int32_t>& ids) {
  const std::vector<T> narrow(ids.begin(), ids.end());
  column.append(std::span<const T>(narrow));
}

}  // namespace

SampleShardWriter::SampleShardWriter(const Fingerprint& fingerprint)
    : header_{0, static_cast<std::uint64_t>(fingerprint.vocab_size), fingerprint.tokenizer,
              fingerprint.chat_template} {
  for (const ColumnSpec& spec : schema())
    columns_.push_back({spec.name, spec.types.front(), spec.ragged, {}, {0}});
  if (header_.vocab_size > kMaxNarrowVocab) columns_[kIds].type = IntType::u32;
}

void SampleShardWriter::add(const Sample& sample) {
  HONE_CHECK(sample.ids.size() == sample.supervised.size() && sample.ids.size() < (std::size_t{1} << 31));
  for (const std::int32_t id : sample.ids)
    HONE_CHECK(id >= 0 && static_cast<std::uint64_t>(id) < header_.vocab_size);
  if (columns_[kIds].type == IntType::u16)
    append_ids<std::uint16_t>(columns_[kIds], sample.ids);
  else
    append_ids<std::uint32_t>(columns_[kIds], sample.ids);
  columns_[kSpans].append(std::span<const std::int32_t>(runs_of_ones(sample.supervised)));
  columns_[kRow].append(std::span(&sample.row, 1));
  bounds_.add(sample);
  tokens_ += static_cast<std::int64_t>(sample.ids.size());
  ++header_.rows;
}

std::vector<std::byte> SampleShardWriter::image() const { return shard_image(header_, columns_); }

SampleShard::SampleShard(const std::string& path) : file_(path, schema()) {
  const std::uint64_t vocab = file_.header().vocab_size;
  const IntType expected = vocab > kMaxNarrowVocab ? IntType::u32 : IntType::u16;
  if (vocab == 0 || vocab >= (std::uint64_t{1} << 31) || file_.type(kIds) != expected)
    throw Error(Exit::input, "H5012", "shard damaged", path,
                "vocabulary size and id type do not go together");
}

void require_same_meaning(const Fingerprint& made_with, const Fingerprint& wanted, const std::string& where) {
  if (made_with.tokenizer != wanted.tokenizer)
    throw Error(
        Exit::input, "DS010", "corpus and tokenizer differ", where,
        "made with " + hex_digits(made_with.tokenizer) + ", the model's is " + hex_digits(wanted.tokenizer),
        "prepare the data with this model");
  if (made_with.chat_template != wanted.chat_template)
    throw Error(Exit::input, "DS010", "corpus and chat template differ", where,
                "made with " + hex_digits(made_with.chat_template) + ", wanted is " +
                    hex_digits(wanted.chat_template),
                "prepare the data with this data.template");
  if (made_with.vocab_size != wanted.vocab_size)
    throw Error(Exit::input, "DS011", "vocabulary sizes differ", where,
                std::to_string(made_with.vocab_size) + " against " + std::to_string(wanted.vocab_size));
}

void SampleShard::require(const Fingerprint& fingerprint) const {
  const ShardHeader& header = file_.header();
  require_same_meaning({header.tokenizer, header.chat_template, static_cast<std::int32_t>(header.vocab_size)},
                       fingerprint, path());
}

std::int64_t SampleShard::length(std::int64_t row) const {
  return static_cast<std::int64_t>(file_.row_length(kIds, static_cast<std::uint64_t>(row)));
}

void SampleShard::fetch_length(std::int64_t row) const {
  file_.fetch_place(kIds, static_cast<std::uint64_t>(row));
  file_.fetch_place(kSpans, static_cast<std::uint64_t>(row));
}

void SampleShard::fetch(std::int64_t row, const Reading& reading, std::int64_t number) const {
  const RowWindow window = window_of(length(row), number, reading);
  file_.fetch_row(kIds, static_cast<std::uint64_t>(row), static_cast<std::uint64_t>(window.begin),
                  static_cast<std::uint64_t>(window.end));
  file_.fetch_row(kSpans, static_cast<std::uint64_t>(row), 0, ~std::uint64_t{0} >> 1);
}

std::span<const std::int32_t> SampleShard::spans(std::int64_t row) const {
  const auto runs = file_.row<std::int32_t>(kSpans, static_cast<std::uint64_t>(row));
  bool rising = runs.size() % 2 == 0 && (runs.empty() || (runs.front() >= 0 && runs.back() <= length(row)));
  for (std::size_t i = 1; i < runs.size(); ++i) rising = rising && runs[i - 1] < runs[i];
  if (!rising)
    throw Error(Exit::input, "H5012", "shard damaged", path(),
                "supervised spans of row " + std::to_string(row) + " are wrong");
  return runs;
}

bool SampleShard::has_target(std::int64_t row, const Reading& reading, std::int64_t number) const {
  const RowWindow window = window_of(length(row), number, reading);
  const std::int64_t first = window.first_target();
  if (reading.train_on == TrainOn::all) return first < window.end;
  const auto runs = spans(row);
  for (std::size_t i = 0; i < runs.size(); i += 2)
    if (std::max<std::int64_t>(runs[i], first) < std::min<std::int64_t>(runs[i + 1], window.end)) return true;
  return false;
}

void SampleShard::append_ids(std::int64_t row, const RowWindow& window,
                             std::vector<std::int32_t>& ids) const {
  std::uint32_t largest = 0;
  const auto copy = [&](auto stored) {
    for (const auto id : stored) largest = std::max<std::uint32_t>(largest, id);
    ids.insert(ids.end(), stored.begin(), stored.end());
  };
  const auto number = static_cast<std::uint64_t>(row), begin = static_cast<std::uint64_t>(window.begin),
             end = static_cast<std::uint64_t>(window.end);
  if (file_.type(kIds) == IntType::u16)
    copy(file_.row<std::uint16_t>(kIds, number, begin, end));
  else
    copy(file_.row<std::uint32_t>(kIds, number, begin, end));
  if (largest >= file_.header().vocab_size)
    throw Error(
        Exit::input, "DS011", "token id over the vocabulary", path() + ": row " + std::to_string(row),
        "id " + std::to_string(largest) + ", vocabulary is " + std::to_string(file_.header().vocab_size));
}

void SampleShard::append(std::int64_t row, const Reading& reading, std::int64_t number,
                         std::vector<std::int32_t>& ids, std::vector<std::uint8_t>& supervised) const {
  const RowWindow window = window_of(length(row), number, reading);
  append_ids(row, window, ids);
  const auto first = static_cast<std::ptrdiff_t>(supervised.size()) - window.begin;
  supervised.resize(supervised.size() + static_cast<std::size_t>(window.end - window.begin), 0);
  const auto supervise = [&](std::int64_t begin, std::int64_t end) {
    begin = std::max(begin, window.begin + window.context);
    end = std::min(end, window.end);
    if (begin < end) std::fill(supervised.begin() + first + begin, supervised.begin() + first + end, 1);
  };
  if (reading.train_on == TrainOn::all) {
    supervise(window.begin, window.end);
    return;
  }
  const auto runs = spans(row);
  for (std::size_t i = 0; i < runs.size(); i += 2) supervise(runs[i], runs[i + 1]);
}

Sample SampleShard::read(std::int64_t row, const Reading& reading, std::int64_t number) const {
  Sample sample;
  append(row, reading, number, sample.ids, sample.supervised);
  sample.row = file_.row<std::int64_t>(kRow, static_cast<std::uint64_t>(row)).front();
  return sample;
}

}  // namespace hone::data
