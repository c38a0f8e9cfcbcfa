#pragma once
// A table of which some rows are trained and the others frozen (PEFT's trainable tokens): the trained ones are a
// matrix of their own in the arena, [n, H], that stands in for the table's wherever the table is asked for.
#include "core/nn/weight.h"

namespace hone::model {

class TokenRowsWeight final : public nn::Weight {
 public:
  // table [V, H], owned from here on; `ids` name a row each, none twice; `rows` [n, H] is an arena's.
  TokenRowsWeight(at::Tensor table, const std::vector<std::int64_t>& ids, nn::WeightPtr rows);
  at::Tensor acquire() const override;
  std::optional<std::size_t> parameter() const override { return rows_->parameter(); }
  const nn::TrainedRows* trained_rows() const override { return &trained_; }
  at::IntArrayRef shape() const override { return shape_; }
  std::int64_t bytes() const override { return static_cast<std::int64_t>(table_.nbytes()); }
  std::vector<at::Tensor*> storage() override { return {&table_}; }

 private:
  at::Tensor table_;
  std::vector<std::int64_t> shape_;
  nn::TrainedRows trained_;
  nn::WeightPtr rows_;
};

}  // namespace hone::model
