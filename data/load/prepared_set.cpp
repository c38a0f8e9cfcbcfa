#include "data/load/prepared_set.h"

#include <xxhash.h>

#include <algorithm>

#include "core/base/error.h"

namespace hone::data {
namespace {

// The place whose range, as [first[i], first[i + 1]), holds `value`.
std::size_t range_of(const std::vector<std::int64_t>& first, std::int64_t value) {
  return static_cast<std::size_t>(std::upper_bound(first.begin(), first.end(), value) - first.begin()) - 1;
}

std::vector<std::int64_t> first_windows(const StoredShard& shard, const Reading& reading) {
  std::vector<std::int64_t> first{0};
  if (shard.rows_are_samples(reading)) return {};
  for (std::int64_t row = 0; row < shard.entry().rows; ++row)
    first.push_back(first.back() + window_count(shard.length(row), reading));
  return first;
}

}  // namespace

PreparedSet::PreparedSet(const std::vector<std::string>& folders, const Fingerprint& fingerprint,
                         const Reading& reading)
    : reading_(reading) {
  for (const std::string& folder : folders) open_folder(folder, fingerprint);
}

void PreparedSet::open_folder(const std::string& folder, const Fingerprint& fingerprint) {
  const ShardIndex index = read_shard_index(folder);
  std::int64_t first_row = first_row_.back();
  for (const SourceFile& source : index.sources) {
    sources_.push_back({first_row, source.path});
    first_row += source.rows;
  }
  require_same_meaning(index.fingerprint, fingerprint, folder);
  for (const ShardEntry& entry : index.shards) add_shard(folder, entry, fingerprint);
  for (const auto& [length, rows] : index.lengths) lengths_[length] += rows;
  lengths_known_ = lengths_known_ && !index.lengths.empty();
  folder_begins_.push_back(size());
}

void PreparedSet::add_shard(const std::string& folder, const ShardEntry& entry,
                            const Fingerprint& fingerprint) {
  shards_.push_back(std::make_unique<StoredShard>(folder, entry, fingerprint));
  first_window_.push_back(first_windows(*shards_.back(), reading_));
  first_row_.push_back(first_row_.back() + entry.rows);
  first_sample_.push_back(first_sample_.back() +
                          (first_window_.back().empty() ? entry.rows : first_window_.back().back()));
  digests_.push_back(entry.digest);
}

PreparedSet::Place PreparedSet::place(std::int64_t index) const {
  HONE_CHECK(index >= 0 && index < size());
  const std::size_t shard = range_of(first_sample_, index);
  const std::int64_t sample = index - first_sample_[shard];
  const std::vector<std::int64_t>& windows = first_window_[shard];
  if (windows.empty()) return {shard, sample, 0};
  const std::size_t row = range_of(windows, sample);
  return {shard, static_cast<std::int64_t>(row), sample - windows[row]};
}

void PreparedSet::append(std::int64_t index, std::vector<std::int32_t>& ids,
                         std::vector<std::uint8_t>& supervised) const {
  const Place p = place(index);
  shards_[p.shard]->shard().append(p.row, reading_, p.number, ids, supervised);
}

void PreparedSet::fetch_length(std::int64_t index) const {
  const Place p = place(index);
  shards_[p.shard]->shard().fetch_length(p.row);
}

void PreparedSet::fetch(std::int64_t index) const {
  const Place p = place(index);
  shards_[p.shard]->shard().fetch(p.row, reading_, p.number);
}

std::int64_t PreparedSet::row(std::int64_t index) const {
  const Place p = place(index);
  return first_row_[p.shard] + p.row;
}

std::int64_t PreparedSet::length(std::int64_t index) const {
  const Place p = place(index);
  const RowWindow window = window_of(shards_[p.shard]->length(p.row), p.number, reading_);
  return window.end - window.begin;
}

bool PreparedSet::has_target(std::int64_t index) const {
  const Place p = place(index);
  return shards_[p.shard]->shard().has_target(p.row, reading_, p.number);
}

Sample PreparedSet::read(std::int64_t index) const {
  const Place p = place(index);
  Sample sample = shards_[p.shard]->shard().read(p.row, reading_, p.number);
  sample.row = first_row_[p.shard] + p.row;
  return sample;
}

std::string PreparedSet::where(std::int64_t index) const {
  const std::int64_t number = row(index);
  const auto after =
      std::upper_bound(sources_.begin(), sources_.end(), number,
                       [](std::int64_t r, const Source& source) { return r < source.first_row; });
  HONE_CHECK(after != sources_.begin());
  const Source& source = *std::prev(after);
  return source.path + ": row " + std::to_string(number - source.first_row);
}

std::int64_t PreparedSet::tokens() const {
  return lengths_known_ ? tokens_as_read(lengths_, reading_) : SampleSet::tokens();
}

std::int64_t PreparedSet::truncated() const {
  if (reading_.chunk || reading_.max_length == 0) return 0;
  if (!lengths_known_) return -1;
  std::int64_t rows = 0;
  for (auto longer = lengths_.upper_bound(reading_.max_length); longer != lengths_.end(); ++longer)
    rows += longer->second;
  return rows;
}

std::int64_t PreparedSet::longest() const {
  std::int64_t longest = 0;
  for (const auto& shard : shards_) longest = std::max(longest, shard->longest());
  return longest_as_read(longest, reading_);
}

std::vector<std::int64_t> PreparedSet::without_target(std::int64_t begin, std::int64_t end) const {
  std::vector<std::int64_t> found;
  for (std::size_t shard = 0; shard < shards_.size(); ++shard) {
    if (shards_[shard]->all_have_targets(reading_)) continue;
    const auto some = SampleSet::without_target(std::max(begin, first_sample_[shard]),
                                                std::min(end, first_sample_[shard + 1]));
    found.insert(found.end(), some.begin(), some.end());
  }
  return found;
}

std::uint64_t PreparedSet::fingerprint() const {
  return XXH3_64bits(digests_.data(), digests_.size() * sizeof(digests_[0]));
}

void PreparedSet::verify() const {
  for (const auto& shard : shards_) shard->verify();
}

PreparedSet::Touched PreparedSet::touched() const {
  Touched touched;
  for (const auto& shard : shards_) {
    if (!shard->opened()) continue;
    ++touched.shards;
    touched.blocks += shard->shard().checked_blocks();
  }
  return touched;
}

}  // namespace hone::data
