#include "core/nn/kv_cache.h"

#include <ATen/ATen.h>

#include "core/base/error.h"
#include "core/device/upload.h"

namespace hone::nn {

KvCache::KvCache(const Shape& shape, const at::TensorOptions& options)
    : shape_(shape), lengths_(shape.rows, 0) {
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
  if (const at::Device device = keys_.front().device(); !device.is_cpu()) begin_on_device(device);
}

// One copy to the device a pass, not one a layer and row.
void KvCache::begin_on_device(at::Device device) {
  const std::size_t sequences = rows_.size();
  std::vector<std::int32_t> words(cu_.begin(), cu_.end());
  on_device_.longest_q = on_device_.longest_k = 0;
  const auto length = [&](std::size_t s) { return lengths_[rows_[s]] + cu_[s + 1] - cu_[s]; };
  for (std::size_t s = 0; s < sequences; ++s)
    words.push_back(static_cast<std::int32_t>(rows_[s] * shape_.capacity));
  words.push_back(static_cast<std::int32_t>(shape_.rows * shape_.capacity));
  for (std::size_t s = 0; s < sequences; ++s) {
    words.push_back(static_cast<std::int32_t>(length(s)));
    on_device_.longest_q = std::max(on_device_.longest_q, cu_[s + 1] - cu_[s]);
    on_device_.longest_k = std::max(on_device_.longest_k, length(s));
  }
  for (std::size_t s = 0; s < sequences; ++s)
    for (std::int64_t t = cu_[s]; t < cu_[s + 1]; ++t)
      words.push_back(
          static_cast<std::int32_t>(rows_[s] * shape_.capacity + lengths_[rows_[s]] + t - cu_[s]));
  const at::Tensor all = device::upload(words, device);
  const auto n = static_cast<std::int64_t>(sequences);
  on_device_.cu_q = all.narrow(0, 0, n + 1);
  on_device_.k_begin = all.narrow(0, n + 1, n + 1);
  on_device_.k_length = all.narrow(0, 2 * n + 2, n);
  slots_ = all.narrow(0, 3 * n + 2, cu_.back()).to(at::kLong);
}

std::pair<at::Tensor, at::Tensor> KvCache::append(std::int64_t layer, const at::Tensor& k,
                                                  const at::Tensor& v) {
  if (slots_.defined()) {
    keys_[layer].index_copy_(0, slots_, k);
    values_[layer].index_copy_(0, slots_, v);
    return {keys_[layer], values_[layer]};
  }
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
  spec.on_device = on_device_;
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
