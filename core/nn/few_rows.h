#pragma once
// y = x W^T for few rows of x, as in generation, where the time goes into reading W: each weight is read once for all
// rows. x [M, in], W [out, in], y [M, out]; fp32 sums, y in x's type. A row's result does not depend on M.
#include <ATen/core/Tensor.h>
#include <c10/util/BFloat16.h>

#include <functional>

namespace hone::nn {

enum class Bf16Unit;  // core/nn/bf16_blocks.h

// x W^T, by the kernel below where it applies, else by ATen.
at::Tensor times_transposed(const at::Tensor& x, const at::Tensor& w);

constexpr std::int64_t kFewRows = 16;
bool are_few_rows(const at::Tensor& x);  // at most kFewRows of them, in a form that the kernels take

// Both contiguous on a CPU, both fp32 or both bf16.
at::Tensor few_rows_cpu(const at::Tensor& x, const at::Tensor& w);

// In bf16, by the processor's instructions for it; in is a multiple of 32.
at::Tensor few_rows_by(Bf16Unit unit, const at::Tensor& x, const at::Tensor& w);

// W made a few rows at a time: each writes rows [first, last), by several threads. bf16 is asked for where the processor
// multiplies it and x is bf16.
struct FillRows {
  std::function<void(std::int64_t first, std::int64_t last, float* to)> fp32;
  std::function<void(std::int64_t first, std::int64_t last, c10::BFloat16* to)> bf16;
};
at::Tensor few_rows_cpu(const at::Tensor& x, std::int64_t out, const FillRows& fill);
at::Tensor few_rows_by(Bf16Unit unit, const at::Tensor& x, std::int64_t out, const FillRows& fill);

}  // namespace hone::nn
