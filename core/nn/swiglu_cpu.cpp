#include <ATen/ATen.h>

#include "core/nn/cpu_rows.h"
#include "core/nn/swiglu.h"

namespace hone::nn {
namespace {

constexpr std::int64_t kChunk = 1024;  // elements worked on at a time, in L1

// body(offset, length) over all elements, in parallel, in pieces of at most kChunk.
template <class Body>
void for_chunks(std::int64_t elements, Body&& body) {
  at::parallel_for(0, (elements + kChunk - 1) / kChunk, 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t c = begin; c < end; ++c) body(c * kChunk, std::min(kChunk, elements - c * kChunk));
  });
}

}  // namespace

at::Tensor swiglu_forward_cpu(const at::Tensor& gate, const at::Tensor& up) {
  const at::Tensor up_rows = up.contiguous();
  at::Tensor out = at::empty_like(gate);
  with_element_type(gate, [&]<class T>(T*) {
    const T* g = gate.const_data_ptr<T>();
    const T* u = up_rows.const_data_ptr<T>();
    T* o = out.mutable_data_ptr<T>();
    for_chunks(gate.numel(), [&](std::int64_t at, std::int64_t n) {
      float a[kChunk], b[kChunk];
      load_row(g + at, a, n);
      load_row(u + at, b, n);
      silu_mul(a, b, a, n);
      store_row(a, o + at, n);
    });
  });
  return out;
}

GateUp swiglu_backward_cpu(const at::Tensor& d_out, const at::Tensor& gate, const at::Tensor& up) {
  const at::Tensor up_rows = up.contiguous(), d_rows = d_out.contiguous();
  at::Tensor d_gate = at::empty_like(gate), d_up = at::empty_like(gate);
  with_element_type(gate, [&]<class T>(T*) {
    const T* d = d_rows.const_data_ptr<T>();
    const T* g = gate.const_data_ptr<T>();
    const T* u = up_rows.const_data_ptr<T>();
    T* dg = d_gate.mutable_data_ptr<T>();
    T* du = d_up.mutable_data_ptr<T>();
    for_chunks(gate.numel(), [&](std::int64_t at, std::int64_t n) {
      float a[kChunk], b[kChunk], c[kChunk];
      load_row(d + at, c, n);
      load_row(g + at, a, n);
      load_row(u + at, b, n);
      silu_mul_backward(c, a, b, n);
      store_row(a, dg + at, n);
      store_row(b, du + at, n);
    });
  });
  return {d_gate, d_up};
}

}  // namespace hone::nn
