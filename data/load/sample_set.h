#pragma once
// Samples that can be read in any order: what loaders draw from. Prepared folders on disk, or a vector.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "data/sample.h"
#include "data/shard/sample_shard.h"

namespace hone::data {

// Indices are [0, size()), in file order. All members may be called from several threads at once.
class SampleSet {
 public:
  virtual ~SampleSet() = default;
  virtual std::int64_t size() const = 0;
  virtual std::int64_t length(std::int64_t index) const = 0;  // tokens, as read() returns them
  virtual bool has_target(std::int64_t index) const = 0;      // a supervised token after the first one
  virtual Sample read(std::int64_t index) const = 0;
  virtual std::int64_t row(std::int64_t index) const {
    return index;
  }                                                         // number of the input row it comes from
  virtual std::string where(std::int64_t index) const = 0;  // for errors
};

class VectorSet : public SampleSet {
 public:
  explicit VectorSet(std::vector<Sample> samples) : samples_(std::move(samples)) {}
  std::int64_t size() const override { return static_cast<std::int64_t>(samples_.size()); }
  std::int64_t length(std::int64_t index) const override;
  bool has_target(std::int64_t index) const override;
  Sample read(std::int64_t index) const override { return samples_[index]; }
  std::string where(std::int64_t index) const override { return "row " + std::to_string(index); }

 private:
  std::vector<Sample> samples_;
};

// Prepared folders end to end; Sample::row counts on over them. A row is a sample, or as many as it has
// chunks. Opens and checks every shard's structure; with chunks it reads every row's length.
class PreparedSet : public SampleSet {
 public:
  PreparedSet(const std::vector<std::string>& folders, const Fingerprint& fingerprint,
              const Reading& reading);
  std::int64_t size() const override { return reading_.chunk ? first_sample_.back() : row_count(); }
  std::int64_t row_count() const { return first_row_.back(); }
  std::int64_t length(std::int64_t index) const override;
  bool has_target(std::int64_t index) const override;
  Sample read(std::int64_t index) const override;
  std::int64_t row(std::int64_t index) const override;
  std::string where(std::int64_t index) const override;  // the raw file that the row was prepared from
  std::uint64_t fingerprint() const;                     // of the shards' digests, in order
  void verify() const;  // reads everything and compares the digests of the index (H5013)

 private:
  struct Place {
    const SampleShard* shard;
    std::int64_t row;     // in the shard
    std::int64_t number;  // of the row's windows
  };
  struct Source {
    std::int64_t first_row;
    std::string path;
  };
  Place place(std::int64_t index) const;
  Place row_place(std::int64_t row) const;
  void open_folder(const std::string& folder, const Fingerprint& fingerprint);

  Reading reading_;
  std::vector<std::unique_ptr<SampleShard>> shards_;
  std::vector<std::int64_t> first_row_{0};     // per shard, and the end
  std::vector<std::int64_t> first_sample_{0};  // with chunks: per row, and the end
  std::vector<std::uint64_t> digests_;
  std::vector<Source> sources_;
};

// The rows of a set that training draws from: those with a target.
struct EligibleRows {
  std::vector<std::int64_t> rows;  // empty where all are
  std::int64_t count = 0;
  std::int64_t dropped = 0;
  std::vector<std::int64_t> first_dropped;  // at most 20
  std::int64_t at(std::int64_t i) const { return rows.empty() ? i : rows[i]; }
};
EligibleRows eligible_rows(const SampleSet& set);

}  // namespace hone::data
