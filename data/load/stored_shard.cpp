#include "data/load/stored_shard.h"

#include <algorithm>
#include <filesystem>

#include "core/base/error.h"
#include "core/base/file_system.h"
#include "data/shard/hdf5_handles.h"

namespace hone::data {
namespace {

bool hdf5_may_open_later() {
  hbool_t safe = false;
  return H5is_library_threadsafe(&safe) >= 0 && safe;
}

}  // namespace

StoredShard::StoredShard(const std::string& folder, ShardEntry entry, const Fingerprint& fingerprint)
    : path_(folder + "/" + entry.name), entry_(std::move(entry)), fingerprint_(fingerprint) {
  std::error_code unreadable;
  const auto bytes = std::filesystem::file_size(path_, unreadable);
  if (unreadable) MappedFile{path_};  // says why
  if (entry_.bytes >= 0 && bytes != static_cast<std::uintmax_t>(entry_.bytes))
    fail(std::to_string(bytes) + " bytes, the index says " + std::to_string(entry_.bytes));
  if (!hdf5_may_open_later()) shard();  // a checkpoint may be written while rows are read
}

void StoredShard::fail(const std::string& why) const {
  throw Error(Exit::input, "DS012", "shard and index differ", path_, why);
}

const SampleShard& StoredShard::shard() const {
  if (const SampleShard* there = ready_.load(std::memory_order_acquire)) return *there;
  const std::lock_guard lock(opening_);
  if (!shard_) {
    auto shard = std::make_unique<SampleShard>(path_);
    shard->require(fingerprint_);
    if (shard->rows() != entry_.rows)
      fail(std::to_string(shard->rows()) + " rows, the index says " + std::to_string(entry_.rows));
    shard_ = std::move(shard);
    ready_.store(shard_.get(), std::memory_order_release);
  }
  return *shard_;
}

std::int64_t StoredShard::length(std::int64_t row) const {
  const std::int64_t length = shard().length(row);
  if (entry_.bounds && length > entry_.bounds->longest)
    fail("row " + std::to_string(row) + " has " + std::to_string(length) +
         " tokens, the longest in the index " + std::to_string(entry_.bounds->longest));
  return length;
}

std::int64_t StoredShard::longest() const {
  if (entry_.bounds) return entry_.bounds->longest;
  std::int64_t longest = 0;
  for (std::int64_t row = 0; row < entry_.rows; ++row) longest = std::max(longest, length(row));
  return longest;
}

bool StoredShard::rows_are_samples(const Reading& reading) const {
  return !reading.chunk || (entry_.bounds && one_window_each(*entry_.bounds, reading));
}

bool StoredShard::all_have_targets(const Reading& reading) const {
  return entry_.bounds && data::all_have_targets(*entry_.bounds, reading);
}

void StoredShard::verify() const {
  if (shard().digest() != entry_.digest)
    throw Error(Exit::input, "H5013", "shard damaged", path_, "its XXH3 differs from the index",
                "prepare the data again");
  if (!entry_.bounds) return;
  RowBounds bounds;
  for (std::int64_t row = 0; row < entry_.rows; ++row) bounds.add(shard().read(row, {}));
  if (bounds != *entry_.bounds) fail("the index has wrong bounds of its rows");
}

}  // namespace hone::data
