#pragma once
// A weight is asked for when it is needed: operators hold a Weight and acquire the view they multiply with, in
// forward and again in backward. Dense, NF4 and trainable (arena) weights are behind this one seam; gathered and
// off-loaded ones fit there too.
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace hone::nn {

// Of a table of which only some rows are trained: the gradient has these rows alone, [n, H].
struct TrainedRows {
  at::Tensor ids;     // [n] i64: the table's rows, in the order of the gradient's
  at::Tensor row_of;  // [V] i64: a row's place in the gradient, -1 where it is frozen
};

class Weight {
 public:
  virtual ~Weight() = default;
  // In compute dtype. Valid while the returned tensor lives; hold it for one operator only.
  virtual at::Tensor acquire() const = 0;
  // x W^T, [M, in] -> [M, out]. What is held compressed may multiply without ever being a whole dense matrix.
  virtual at::Tensor times_transposed(const at::Tensor& x) const;
  at::Tensor add_times_transposed(at::Tensor y, const at::Tensor& x) const;  // y + x W^T, where y was
  // Index into the arena where trainable: its gradient then goes to GradientSink::gradient(index).
  virtual std::optional<std::size_t> parameter() const { return std::nullopt; }
  virtual const TrainedRows* trained_rows() const {
    return nullptr;
  }  // null: all of them, where it is trainable
  virtual at::IntArrayRef shape() const = 0;
  virtual std::int64_t bytes() const = 0;  // held in memory for it, shared ones counted once by their owner
  // Where its values lie, for an owner that keeps them elsewhere (in shards over ranks) and puts tensors of the same
  // type and shape in their place, which hold values whenever the weight is acquired. Empty: not to be moved.
  virtual std::vector<at::Tensor*> storage() { return {}; }
};
using WeightPtr = std::shared_ptr<const Weight>;

// Frozen, held in compute dtype.
class DenseWeight final : public Weight {
 public:
  explicit DenseWeight(at::Tensor tensor) : tensor_(std::move(tensor)) {}
  at::Tensor acquire() const override { return tensor_; }
  at::IntArrayRef shape() const override { return tensor_.sizes(); }
  std::int64_t bytes() const override { return static_cast<std::int64_t>(tensor_.nbytes()); }
  std::vector<at::Tensor*> storage() override { return {&tensor_}; }

 private:
  at::Tensor tensor_;
};

}  // namespace hone::nn
