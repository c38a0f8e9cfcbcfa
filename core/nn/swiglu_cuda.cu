#include "core/cuda/kernel.cuh"
#include "core/nn/swiglu_cuda.h"

namespace hone::nn {
namespace {

using cuda::kPack;
using cuda::load;
using cuda::store;

constexpr unsigned kThreads = 256;

__device__ std::int64_t first_element(int per_thread) {
  return (std::int64_t{blockIdx.x} * kThreads + threadIdx.x) * per_thread;
}

__device__ float sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }

template <class T>
__global__ void __launch_bounds__(kThreads)
    swiglu_forward(std::int64_t elements, const T* gate, const T* up, T* out, bool whole) {
  constexpr int N = kPack<T>;
  const std::int64_t at = first_element(N);
  if (at >= elements) return;
  float g[N], u[N];
  load(gate + at, elements - at, whole, g);
  load(up + at, elements - at, whole, u);
#pragma unroll
  for (int i = 0; i < N; ++i) g[i] *= sigmoid(g[i]) * u[i];
  store(g, elements - at, whole, out + at);
}

// d_gate = d up s (1 + g (1 - s)), d_up = d g s, s = sigmoid(g)
template <class T>
__global__ void __launch_bounds__(kThreads)
    swiglu_backward(std::int64_t elements, const T* d_out, const T* gate, const T* up, T* d_gate, T* d_up,
                    bool whole) {
  constexpr int N = kPack<T>;
  const std::int64_t at = first_element(N);
  if (at >= elements) return;
  float d[N], g[N], u[N];
  load(d_out + at, elements - at, whole, d);
  load(gate + at, elements - at, whole, g);
  load(up + at, elements - at, whole, u);
#pragma unroll
  for (int i = 0; i < N; ++i) {
    const float s = sigmoid(g[i]), silu = g[i] * s;
    g[i] = d[i] * u[i] * (s + silu * (1.0f - s));
    u[i] = d[i] * silu;
  }
  store(g, elements - at, whole, d_gate + at);
  store(u, elements - at, whole, d_up + at);
}

}  // namespace

void swiglu_forward_cuda(CudaFloat type, std::int64_t elements, const void* gate, const void* up, void* out,
                         void* stream) {
  if (elements == 0) return;
  cuda::with_type(type, [&]<class T>(T) {
    cuda::launch("swiglu_forward_cuda", swiglu_forward<T>,
                 dim3(cuda::blocks_for(elements, kThreads * kPack<T>)), kThreads, stream, elements,
                 static_cast<const T*>(gate), static_cast<const T*>(up), static_cast<T*>(out),
                 cuda::aligned({gate, up, out}));
  });
}

void swiglu_backward_cuda(CudaFloat type, std::int64_t elements, const void* d_out, const void* gate,
                          const void* up, void* d_gate, void* d_up, void* stream) {
  if (elements == 0) return;
  cuda::with_type(type, [&]<class T>(T) {
    cuda::launch("swiglu_backward_cuda", swiglu_backward<T>,
                 dim3(cuda::blocks_for(elements, kThreads * kPack<T>)), kThreads, stream, elements,
                 static_cast<const T*>(d_out), static_cast<const T*>(gate), static_cast<const T*>(up),
                 static_cast<T*>(d_gate), static_cast<T*>(d_up),
                 cuda::aligned({d_out, gate, up, d_gate, d_up}));
  });
}

}  // namespace hone::nn
