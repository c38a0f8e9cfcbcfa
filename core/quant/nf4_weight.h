#pragma once
// A frozen matrix held in NF4. acquire() dequantises, so that at most as many dense matrices exist as operators hold at
// once. Threads of one parallel region that hold it at the same time share one, and the work of making it.
#include <memory>
#include <mutex>
#include <vector>

#include "core/nn/weight.h"
#include "core/quant/nf4_tensors.h"

namespace hone::quant {

class Nf4Weight final : public nn::Weight {
 public:
  Nf4Weight(const Nf4Data& data, std::vector<std::int64_t> shape, at::ScalarType compute);
  at::Tensor acquire() const override;
  // Few rows: each thread dequantises the rows of W it multiplies with, to fp32 unless the processor multiplies bf16.
  at::Tensor times_transposed(const at::Tensor& x) const override;
  at::IntArrayRef shape() const override { return shape_; }
  std::int64_t bytes() const override { return data_.bytes(); }
  std::vector<at::Tensor*> storage() override { return data_.large(); }

 private:
  struct Dense;
  void fill(Dense& dense) const;

  Nf4Tensors data_;
  std::vector<std::int64_t> shape_;
  at::ScalarType compute_;
  mutable std::mutex lock_;
  mutable std::shared_ptr<Dense> latest_;  // being made, or held by an operator, or gone
};

}  // namespace hone::quant
