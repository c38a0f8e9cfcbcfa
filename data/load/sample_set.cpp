#include "data/load/sample_set.h"

#include <xxhash.h>

#include <algorithm>
#include <numeric>

#include "core/base/error.h"
#include "data/shard/shard_index.h"

namespace hone::data {
namespace {

constexpr std::size_t kListed = 20;

}  // namespace

std::int64_t VectorSet::length(std::int64_t index) const {
  return static_cast<std::int64_t>(samples_[index].ids.size());
}

bool VectorSet::has_target(std::int64_t index) const {
  const auto& supervised = samples_[index].supervised;
  return supervised.size() > 1 && std::find(supervised.begin() + 1, supervised.end(), 1) != supervised.end();
}

PreparedSet::PreparedSet(const std::vector<std::string>& folders, const Fingerprint& fingerprint,
                         const Reading& reading)
    : reading_(reading) {
  for (const std::string& folder : folders) open_folder(folder, fingerprint);
  if (!reading_.chunk) return;
  for (std::int64_t row = 0; row < row_count(); ++row) {
    const Place p = row_place(row);
    first_sample_.push_back(first_sample_.back() + window_count(p.shard->length(p.row), reading_));
  }
}

void PreparedSet::open_folder(const std::string& folder, const Fingerprint& fingerprint) {
  const ShardIndex index = read_shard_index(folder);
  std::int64_t first_row = first_row_.back();
  for (const SourceFile& source : index.sources) {
    sources_.push_back({first_row, source.path});
    first_row += source.rows;
  }
  for (const ShardEntry& entry : index.shards) {
    auto shard = std::make_unique<SampleShard>(folder + "/" + entry.name);
    shard->require(fingerprint);
    if (shard->rows() != entry.rows)
      throw Error(Exit::input, "DS012", "shard and index differ", shard->path(),
                  std::to_string(shard->rows()) + " rows, the index says " + std::to_string(entry.rows));
    first_row_.push_back(first_row_.back() + entry.rows);
    digests_.push_back(entry.digest);
    shards_.push_back(std::move(shard));
  }
}

std::int64_t PreparedSet::row(std::int64_t index) const {
  HONE_CHECK(index >= 0 && index < size());
  if (!reading_.chunk) return index;
  const auto after = std::upper_bound(first_sample_.begin(), first_sample_.end(), index);
  return after - first_sample_.begin() - 1;
}

PreparedSet::Place PreparedSet::row_place(std::int64_t row) const {
  const auto after = std::upper_bound(first_row_.begin(), first_row_.end(), row);
  const auto shard = static_cast<std::size_t>(after - first_row_.begin()) - 1;
  return {shards_[shard].get(), row - first_row_[shard], 0};
}

PreparedSet::Place PreparedSet::place(std::int64_t index) const {
  const std::int64_t number = row(index);
  Place found = row_place(number);
  if (reading_.chunk) found.number = index - first_sample_[number];
  return found;
}

std::int64_t PreparedSet::length(std::int64_t index) const {
  const Place p = place(index);
  const RowWindow window = window_of(p.shard->length(p.row), p.number, reading_);
  return window.end - window.begin;
}

bool PreparedSet::has_target(std::int64_t index) const {
  const Place p = place(index);
  return p.shard->has_target(p.row, reading_, p.number);
}

Sample PreparedSet::read(std::int64_t index) const {
  const Place p = place(index);
  Sample sample = p.shard->read(p.row, reading_, p.number);
  sample.row = row(index);
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

std::uint64_t PreparedSet::fingerprint() const {
  return XXH3_64bits(digests_.data(), digests_.size() * sizeof(digests_[0]));
}

void PreparedSet::verify() const {
  for (std::size_t i = 0; i < shards_.size(); ++i)
    if (shards_[i]->digest() != digests_[i])
      throw Error(Exit::input, "H5013", "shard damaged", shards_[i]->path(),
                  "its XXH3 differs from the index", "prepare the data again");
}

EligibleRows eligible_rows(const SampleSet& set) {
  EligibleRows eligible;
  for (std::int64_t i = 0; i < set.size(); ++i) {
    if (set.has_target(i)) {
      if (eligible.dropped > 0) eligible.rows.push_back(i);
      ++eligible.count;
      continue;
    }
    if (eligible.dropped++ == 0) {
      eligible.rows.resize(static_cast<std::size_t>(i));
      std::iota(eligible.rows.begin(), eligible.rows.end(), std::int64_t{0});
    }
    if (eligible.first_dropped.size() < kListed) eligible.first_dropped.push_back(i);
  }
  return eligible;
}

}  // namespace hone::data
