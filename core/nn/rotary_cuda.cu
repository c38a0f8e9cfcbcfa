#include "core/cuda/kernel.cuh"
#include "core/nn/rotary_cuda.h"

namespace hone::nn {
namespace {

using cuda::kPack;
using cuda::load;
using cuda::store;

constexpr unsigned kThreads = 128;

// One block a token; a thread takes kPack pairs (i, i + dim / 2) of one head at a time.
template <class T>
__global__ void __launch_bounds__(kThreads) rotate(RotateArgs a, bool whole) {
  constexpr int N = kPack<T>;
  const int half = static_cast<int>(a.dim / 2), packs = (half + N - 1) / N;
  const float* cos = a.cos + std::int64_t{blockIdx.x} * half;
  const float* sin = a.sin + std::int64_t{blockIdx.x} * half;
  const float sign = static_cast<float>(a.sign);
  for (int p = threadIdx.x; p < a.heads * packs; p += blockDim.x) {
    const int i = p % packs * N, count = half - i;
    const std::int64_t at = (blockIdx.x * a.heads + p / packs) * a.dim + i;
    float x[N], y[N], c[N], s[N];
    load(static_cast<const T*>(a.x) + at, count, whole, x);
    load(static_cast<const T*>(a.x) + at + half, count, whole, y);
    load(cos + i, count, whole, c);
    load(sin + i, count, whole, s);
#pragma unroll
    for (int k = 0; k < N; ++k) {
      const float turned = x[k] * c[k] - y[k] * (s[k] * sign);
      y[k] = y[k] * c[k] + x[k] * (s[k] * sign);
      x[k] = turned;
    }
    store(x, count, whole, static_cast<T*>(a.out) + at);
    store(y, count, whole, static_cast<T*>(a.out) + at + half);
  }
}

}  // namespace

void rotate_cuda(const RotateArgs& a, void* stream) {
  HONE_CHECK(a.dim % 2 == 0);
  if (a.tokens * a.heads * a.dim == 0) return;
  cuda::with_type(a.type, [&]<class T>(T) {
    const bool whole = a.dim / 2 % kPack<T> == 0 && cuda::aligned({a.x, a.cos, a.sin, a.out});
    cuda::launch("rotate_cuda", rotate<T>, dim3(cuda::blocks_for(a.tokens, 1)),
                 cuda::threads_for(a.heads * a.dim / 2 / kPack<T>, kThreads), stream, a, whole);
  });
}

}  // namespace hone::nn
