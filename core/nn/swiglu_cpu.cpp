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
      float* made = made_in(o + at, a);
      silu_mul(as_floats(g + at, a, n), as_floats(u + at, b, n), made, n);
      store_made(made, o + at, n);
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
      float* made_gate = made_in(dg + at, a);
      float* made_up = made_in(du + at, b);
      silu_mul_backward(as_floats(d + at, c, n), as_floats(g + at, a, n), as_floats(u + at, b, n), made_gate,
                        made_up, n);
      store_made(made_gate, dg + at, n);
      store_made(made_up, du + at, n);
    });
  });
  return {d_gate, d_up};
}

}  // namespace hone::nn
