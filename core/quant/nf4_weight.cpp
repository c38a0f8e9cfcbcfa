#include "core/quant/nf4_weight.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <atomic>
#include <thread>

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
void dequantize_task(const Nf4View& data, std::int64_t task, std::vector<float>& absmax, Out* out) {
  const std::int64_t blocks = (data.elements + kNf4Block - 1) / kNf4Block;
  const std::int64_t first = task * kBlocksPerTask, last = std::min(blocks, first + kBlocksPerTask);
  dequantize_blocks(data, first, last, absmax, out + first * kNf4Block);
}

}  // namespace

Nf4Weight::Nf4Weight(const Nf4Data& data, std::vector<std::int64_t> shape, at::ScalarType compute)
    : data_(to_device(data, at::kCPU)), shape_(std::move(shape)), compute_(compute) {
  HONE_CHECK(c10::multiply_integers(shape_) == data_.elements);
}

// A dense copy that several threads make together.
struct Nf4Weight::Dense {
  Dense(at::Tensor values, std::int64_t tasks)
      : out(values.mutable_data_ptr()), alive(values.getIntrusivePtr()), tasks(tasks), left(tasks) {}
  void* out;
  c10::weak_intrusive_ptr<c10::TensorImpl> alive;
  const std::int64_t tasks;
  std::atomic<std::int64_t> next = 0, left;
};

void Nf4Weight::fill(Dense& dense) const {
  const Nf4View data = view_of(data_);
  std::vector<float> absmax(kBlocksPerTask);
  for (std::int64_t task; (task = dense.next++) < dense.tasks; --dense.left) {
    if (compute_ == at::kBFloat16) {
      dequantize_task(data, task, absmax, static_cast<std::uint16_t*>(dense.out));
    } else {
      dequantize_task(data, task, absmax, static_cast<float*>(dense.out));
    }
  }
}

at::Tensor Nf4Weight::acquire() const {
  const at::ScalarType made_in = compute_ == at::kBFloat16 ? at::kBFloat16 : at::kFloat;
  at::Tensor out;
  std::shared_ptr<Dense> dense;
  {
    const std::lock_guard guard(lock_);
    if (latest_)
      if (auto held = latest_->alive.lock()) out = at::Tensor(std::move(held));
    if (!out.defined()) {
      out = at::empty(shape_, made_in);
      latest_ = std::make_shared<Dense>(out, (data_.blocks() + kBlocksPerTask - 1) / kBlocksPerTask);
    }
    dense = latest_;
  }
  at::parallel_for(0, dense->tasks, 1, [&](auto, auto) { fill(*dense); });
  while (dense->left > 0) std::this_thread::yield();
  return made_in == compute_ ? out : out.to(compute_);
}

at::Tensor Nf4Weight::times_transposed(const at::Tensor& x) const {
  const std::int64_t in = shape_[1];
  if (!nn::are_few_rows(x) || in % kNf4Block != 0) return Weight::times_transposed(x);
  const Nf4View data = view_of(data_);
  const auto fill = [&](std::int64_t first, std::int64_t last, auto* to) {
    thread_local std::vector<float> absmax;
    dequantize_blocks(data, first * in / kNf4Block, last * in / kNf4Block, absmax, to);
  };
  return nn::few_rows_cpu(x, shape_[0], {fill, [&](std::int64_t first, std::int64_t last, c10::BFloat16* to) {
                                           fill(first, last, reinterpret_cast<std::uint16_t*>(to));
                                         }});
}

}  // namespace hone::quant
