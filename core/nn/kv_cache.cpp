#include "core/nn/kv_cache.h"

#include <ATen/ATen.h>

#include "core/base/error.h"

namespace hone::nn {

KvCache::KvCache(const Shape& shape, const at::TensorOptions& options) : shape_(shape), lengths_(shape.rows, 0) {
  for (std::int64_t layer = 0; layer < shape.layers; ++layer) {
    keys_.push_back(at::empty({shape.rows * shape.capacity, shape.key_heads, shape.head_dim}, options));
    values_.push_back(at::empty_like(keys_.back()));
  }
}

void KvCache::begin(std::vector<std::int64_t> rows, const std::vector<std::int64_t>& cu_seqlens) {
  HONE_CHECK(rows.size() + 1 == cu_seqlens.size());
  for (std::size_t s = 0; s < rows.size(); ++s)
    HONE_CHECK(lengths_.at(rows[s]) + cu_seqlens[s + 1] - cu_seqlens[s] <= shape_.capacity);
  rows_ = std::move(rows);
  cu_ = cu_seqlens;
}

std::pair<at::Tensor, at::Tensor> KvCache::append(std::int64_t layer, const at::Tensor& k, const at::Tensor& v) {
  for (std::size_t s = 0; s < rows_.size(); ++s) {
    const std::int64_t at = rows_[s] * shape_.capacity + lengths_[rows_[s]], n = cu_[s + 1] - cu_[s];
    keys_[layer].narrow(0, at, n).copy_(k.narrow(0, cu_[s], n));
    values_[layer].narrow(0, at, n).copy_(v.narrow(0, cu_[s], n));
  }
  return {keys_[layer], values_[layer]};
}

AttentionSpec KvCache::spec(double scale) const {
  AttentionSpec spec;
  spec.cu_q = cu_;
  spec.scale = scale;
  for (std::size_t s = 0; s < rows_.size(); ++s) {
    spec.k_begin.push_back(rows_[s] * shape_.capacity);
    spec.k_length.push_back(lengths_[rows_[s]] + cu_[s + 1] - cu_[s]);
  }
  return spec;
}

void KvCache::end() {
  for (std::size_t s = 0; s < rows_.size(); ++s) lengths_[rows_[s]] += cu_[s + 1] - cu_[s];
  rows_.clear();
}

void KvCache::truncate(std::int64_t row, std::int64_t length) {
  HONE_CHECK(length >= 0 && length <= lengths_.at(row));
  lengths_[row] = length;
}

}  // namespace hone::nn
