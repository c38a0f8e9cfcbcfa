#pragma once
// A frozen matrix held in NF4. Every acquire() dequantises into a buffer drawn from a pool shared by a model, so
// that at most as many dense matrices exist as operators hold at once.
#include <memory>
#include <mutex>
#include <vector>

#include "core/nn/weight.h"
#include "core/quant/nf4.h"

namespace hone::quant {

// Buffers of bytes that return to the pool when the last tensor over them dies. Thread-safe.
class BufferPool : public std::enable_shared_from_this<BufferPool> {
 public:
  at::Tensor take(at::IntArrayRef shape, at::ScalarType dtype);

 private:
  std::mutex mutex_;
  std::vector<std::vector<std::byte>> free_;
};

class Nf4Weight final : public nn::Weight {
 public:
  Nf4Weight(Nf4Data data, std::vector<std::int64_t> shape, at::ScalarType compute, std::shared_ptr<BufferPool> pool);
  at::Tensor acquire() const override;
  // Few rows: each thread dequantises the rows of W it multiplies with, in fp32 whatever the compute type.
  at::Tensor times_transposed(const at::Tensor& x) const override;
  at::IntArrayRef shape() const override { return shape_; }
  std::int64_t bytes() const override { return data_.bytes(); }
  const Nf4Data& data() const { return data_; }

 private:
  Nf4Data data_;
  std::vector<std::int64_t> shape_;
  at::ScalarType compute_;
  std::shared_ptr<BufferPool> pool_;
};

}  // namespace hone::quant
