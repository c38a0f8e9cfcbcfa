#pragma once
// Samples that can be read in any order: what loaders draw from. Prepared folders (prepared_set.h), or a
// vector.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "data/sample.h"

namespace hone::data {

// Indices are [0, size()), in file order. All members may be called from several threads at once.
class SampleSet {
 public:
  virtual ~SampleSet() = default;
  virtual std::int64_t size() const = 0;
  virtual std::int64_t length(std::int64_t index) const = 0;  // tokens, as read() returns them
  virtual bool has_target(std::int64_t index) const = 0;      // a supervised token after the first one
  virtual Sample read(std::int64_t index) const = 0;
  // What read() gives, at the end of what is there.
  virtual void append(std::int64_t index, std::vector<std::int32_t>& ids,
                      std::vector<std::uint8_t>& supervised) const;
  // Hints that length(), and then read() or append(), are going to be asked: rows lie far apart in memory,
  // and one wait for many is shorter.
  virtual void fetch_length(std::int64_t) const {}
  virtual void fetch(std::int64_t) const {}
  virtual std::int64_t row(std::int64_t index) const {
    return index;
  }                                                         // number of the input row it comes from
  virtual std::string where(std::int64_t index) const = 0;  // for errors

  // Of all samples. What these look at is every sample, unless the set knows better.
  virtual std::int64_t tokens() const;
  virtual std::int64_t longest() const;
  // Samples that are a part of their row, the rest of which is lost; -1: not known.
  virtual std::int64_t truncated() const { return -1; }
  // Samples of [begin, end) without a target, rising.
  virtual std::vector<std::int64_t> without_target(std::int64_t begin, std::int64_t end) const;
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

}  // namespace hone::data
