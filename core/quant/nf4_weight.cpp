#include "core/quant/nf4_weight.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "core/base/error.h"
#include "core/nn/few_rows.h"

namespace hone::quant {
namespace {

constexpr std::int64_t kBlocksPerTask = 4 * kNestedBlock;

// Reconstructs the absmax of some blocks next to their use; a task begins at a nested block's boundary.
void absmax_range(const Nf4View& data, std::int64_t first, std::int64_t last, float* out) {
  for (std::int64_t b = first; b < last; ++b)
    out[b - first] = data.absmax
                         ? data.absmax[b]
                         : data.nested_map[data.nested_codes[b]] * data.nested_absmax[b / kNestedBlock] +
                               data.nested_offset;
}

// Blocks [first, last) to `out`; `absmax` is room for their scales.
template <class Out>
void dequantize_blocks(const Nf4View& data, std::int64_t first, std::int64_t last, std::vector<float>& absmax,
                       Out* out) {
  absmax.resize(static_cast<std::size_t>(last - first));
  absmax_range(data, first, last, absmax.data());
  dequantize_nf4(data.codes + first * (kNf4Block / 2), absmax.data(), data.elements - first * kNf4Block, 0,
                 last - first, out);
}

template <class Out>
void dequantize_tasks(const Nf4View& data, std::int64_t begin, std::int64_t end, Out* out) {
  const std::int64_t blocks = (data.elements + kNf4Block - 1) / kNf4Block;
  std::vector<float> absmax;
  for (std::int64_t task = begin; task < end; ++task) {
    const std::int64_t first = task * kBlocksPerTask, last = std::min(blocks, first + kBlocksPerTask);
    dequantize_blocks(data, first, last, absmax, out + first * kNf4Block);
  }
}

}  // namespace

Nf4Weight::Nf4Weight(const Nf4Data& data, std::vector<std::int64_t> shape, at::ScalarType compute)
    : data_(to_device(data, at::kCPU)), shape_(std::move(shape)), compute_(compute) {
  HONE_CHECK(c10::multiply_integers(shape_) == data_.elements);
}

at::Tensor Nf4Weight::acquire() const {
  const bool half = compute_ == at::kBFloat16;
  at::Tensor out = at::empty(shape_, half ? at::kBFloat16 : at::kFloat);
  const std::int64_t tasks = (data_.blocks() + kBlocksPerTask - 1) / kBlocksPerTask;
  const Nf4View data = view_of(data_);
  at::parallel_for(0, tasks, 1, [&](std::int64_t begin, std::int64_t end) {
    if (half) {
      dequantize_tasks(data, begin, end, static_cast<std::uint16_t*>(out.mutable_data_ptr()));
    } else {
      dequantize_tasks(data, begin, end, static_cast<float*>(out.mutable_data_ptr()));
    }
  });
  return half || compute_ == at::kFloat ? out : out.to(compute_);
}

at::Tensor Nf4Weight::times_transposed(const at::Tensor& x) const {
  const std::int64_t in = shape_[1];
  if (!nn::are_few_rows(x) || in % kNf4Block != 0) return Weight::times_transposed(x);
  const Nf4View data = view_of(data_);
  return nn::few_rows_cpu(x, shape_[0], [&](std::int64_t first, std::int64_t last, float* to) {
    thread_local std::vector<float> absmax;
    dequantize_blocks(data, first * in / kNf4Block, last * in / kNf4Block, absmax, to);
  });
}

}  // namespace hone::quant
