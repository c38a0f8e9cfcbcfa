#pragma once
// Keys and values of the tokens already seen, for generation. One pair of tensors per layer,
// [rows * capacity, Hk, D]; a row belongs to one prompt. Owned by the generator; not thread-safe.
#include <ATen/core/Tensor.h>

#include <vector>

#include "core/nn/attention.h"

namespace hone::nn {

class KvCache {
 public:
  struct Shape {
    std::int64_t layers, rows, capacity, key_heads, head_dim;
  };
  KvCache(const Shape& shape, const at::TensorOptions& options);

  // Which cache row each sequence of the next forward pass continues, and how many tokens it adds.
  void begin(std::vector<std::int64_t> rows, const std::vector<std::int64_t>& cu_seqlens);
  // Stores this pass's k, v [T, Hk, D] of a layer and returns the layer's whole tensors.
  std::pair<at::Tensor, at::Tensor> append(std::int64_t layer, const at::Tensor& k, const at::Tensor& v);
  AttentionSpec spec(double scale) const;  // queries of this pass against everything in their rows
  void end();                              // the tokens of this pass now count as seen
  std::int64_t length(std::int64_t row) const { return lengths_[row]; }
  void truncate(std::int64_t row, std::int64_t length);  // forgets what came after

 private:
  void begin_on_device(at::Device device);

  Shape shape_;
  std::vector<at::Tensor> keys_, values_;
  std::vector<std::int64_t> lengths_;    // per row
  std::vector<std::int64_t> rows_, cu_;  // of the pass under way
  at::Tensor slots_;  // on a device: where in a layer's tensors each token of the pass goes
  AttentionSpec::OnDevice on_device_;
};

}  // namespace hone::nn
