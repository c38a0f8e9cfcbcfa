#pragma once
// k-fold cross-validation: a set cut into what a fold trains on and what it is evaluated on. A pure function
// of the number of rows, the folds and the seed: rows are dealt in the order of a keyed bijection.
#include <cstdint>
#include <memory>
#include <vector>

#include "data/load/sample_set.h"

namespace hone::data {

struct Fold {
  std::int64_t number = 0;  // [0, count)
  std::int64_t count = 0;
};

struct FoldRows {
  std::vector<std::int64_t> train, held_out;  // in file order
};
FoldRows fold_rows(std::int64_t rows, const Fold& fold, std::uint64_t seed);

// Some rows of a set, in the order given.
class RowSubset final : public SampleSet {
 public:
  RowSubset(std::shared_ptr<const SampleSet> set, std::vector<std::int64_t> rows)
      : set_(std::move(set)), rows_(std::move(rows)) {}
  std::int64_t size() const override { return static_cast<std::int64_t>(rows_.size()); }
  std::int64_t length(std::int64_t index) const override { return set_->length(rows_[index]); }
  bool has_target(std::int64_t index) const override { return set_->has_target(rows_[index]); }
  Sample read(std::int64_t index) const override { return set_->read(rows_[index]); }
  void append(std::int64_t index, std::vector<std::int32_t>& ids,
              std::vector<std::uint8_t>& supervised) const override {
    set_->append(rows_[index], ids, supervised);
  }
  std::int64_t row(std::int64_t index) const override { return set_->row(rows_[index]); }
  std::string where(std::int64_t index) const override { return set_->where(rows_[index]); }

 private:
  std::shared_ptr<const SampleSet> set_;
  std::vector<std::int64_t> rows_;
};

}  // namespace hone::data
