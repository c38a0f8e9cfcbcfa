#include "core/model/token_rows_weight.h"

#include <ATen/ATen.h>

#include "core/base/error.h"

namespace hone::model {

TokenRowsWeight::TokenRowsWeight(at::Tensor table, const std::vector<std::int64_t>& ids, nn::WeightPtr rows)
    : table_(std::move(table)), shape_(table_.sizes().vec()), rows_(std::move(rows)) {
  const auto count = static_cast<std::int64_t>(ids.size());
  HONE_CHECK(rows_->parameter() && rows_->shape()[0] == count);
  const at::Tensor ids_here = at::tensor(ids, at::kLong);
  const at::Tensor row_of = at::full({shape_[0]}, -1, at::kLong).index_copy_(0, ids_here, at::arange(count));
  trained_ = {ids_here.to(table_.device()), row_of.to(table_.device())};
}

// The table is this weight's own, so that the rows may be written over what was there.
at::Tensor TokenRowsWeight::acquire() const {
  at::Tensor table = table_;
  return table.index_copy_(0, trained_.ids, rows_->acquire());
}

}  // namespace hone::model
