#pragma once
// A shard of a prepared folder, opened when it is first asked for. Nothing that its index says is trusted:
// what is read and does not agree is DS012. All const members may be called from several threads.
#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include "data/shard/shard_index.h"

namespace hone::data {

class StoredShard {
 public:
  // The file must be there, of the size that the index says.
  StoredShard(const std::string& folder, ShardEntry entry, const Fingerprint& fingerprint);
  const ShardEntry& entry() const { return entry_; }
  const SampleShard& shard() const;
  std::int64_t length(std::int64_t row) const;
  // Of all rows; by the index where it says.
  std::int64_t longest() const;
  bool rows_are_samples(const Reading& reading) const;
  bool all_have_targets(const Reading& reading) const;
  void verify() const;
  bool opened() const { return ready_.load(std::memory_order_acquire) != nullptr; }

 private:
  [[noreturn]] void fail(const std::string& why) const;

  std::string path_;
  ShardEntry entry_;
  Fingerprint fingerprint_;
  mutable std::mutex opening_;
  mutable std::unique_ptr<SampleShard> shard_;
  mutable std::atomic<const SampleShard*> ready_ = nullptr;
};

}  // namespace hone::data
