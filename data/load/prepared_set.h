#pragma once
// Prepared folders end to end. Opening reads the folders' indexes and looks at the sizes of their files; a
// shard is opened, and its structure checked, when a row of it is first asked for. So start-up costs the same
// for any number of rows. What has to be read at the start: row lengths of shards with rows that become
// chunks, and rows of shards whose index says that some may lack a target.
#include <memory>
#include <string>
#include <vector>

#include "data/load/sample_set.h"
#include "data/load/stored_shard.h"
#include "data/shard/shard_index.h"

namespace hone::data {

class PreparedSet : public SampleSet {
 public:
  PreparedSet(const std::vector<std::string>& folders, const Fingerprint& fingerprint,
              const Reading& reading);
  std::int64_t size() const override { return first_sample_.back(); }
  std::int64_t row_count() const { return first_row_.back(); }
  std::int64_t length(std::int64_t index) const override;
  bool has_target(std::int64_t index) const override;
  Sample read(std::int64_t index) const override;
  void append(std::int64_t index, std::vector<std::int32_t>& ids,
              std::vector<std::uint8_t>& supervised) const override;
  void fetch_length(std::int64_t index) const override;
  void fetch(std::int64_t index) const override;
  std::int64_t row(std::int64_t index) const override;   // counts on over the folders
  std::string where(std::int64_t index) const override;  // the raw file that the row was prepared from
  std::int64_t tokens() const override;
  std::int64_t longest() const override;
  std::int64_t truncated() const override;
  std::vector<std::int64_t> without_target(std::int64_t begin, std::int64_t end) const override;

  // The first sample of each folder, and the end.
  const std::vector<std::int64_t>& folder_begins() const { return folder_begins_; }
  std::uint64_t fingerprint() const;  // of the shards' digests, in order
  void verify() const;                // reads everything and compares it with the index (H5013, DS012)

  struct Touched {
    std::int64_t shards = 0, blocks = 0;  // opened; MiB checked
  };
  Touched touched() const;  // so far

 private:
  struct Place {
    std::size_t shard;
    std::int64_t row;     // in the shard
    std::int64_t number;  // of the row's windows
  };
  struct Source {
    std::int64_t first_row;
    std::string path;
  };
  Place place(std::int64_t index) const;
  void open_folder(const std::string& folder, const Fingerprint& fingerprint);
  void add_shard(const std::string& folder, const ShardEntry& entry, const Fingerprint& fingerprint);

  Reading reading_;
  std::vector<std::unique_ptr<StoredShard>> shards_;
  std::vector<std::int64_t> first_row_{0}, first_sample_{0};  // per shard, and the end
  std::vector<std::vector<std::int64_t>>
      first_window_;  // per shard: per row, and the end; empty: a row is a sample
  std::vector<std::int64_t> folder_begins_{0};
  std::vector<std::uint64_t> digests_;
  std::vector<Source> sources_;
  LengthCounts lengths_;
  bool lengths_known_ = true;
};

}  // namespace hone::data
