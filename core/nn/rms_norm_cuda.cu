#include "core/cuda/kernel.cuh"
#include "core/nn/rms_norm_cuda.h"

namespace hone::nn {
namespace {

using cuda::kPack;
using cuda::load;
using cuda::store;

constexpr unsigned kThreads = 256;
constexpr unsigned kColumnThreads = 128;  // of the kernels that walk columns

// One block a row. A thread reads back only what it wrote itself.
template <class T>
__global__ void __launch_bounds__(kThreads) rms_norm_forward(RmsNormForwardArgs a, bool whole) {
  constexpr int N = kPack<T>;
  const std::int64_t row = std::int64_t{blockIdx.x} * a.width;
  const T* x = static_cast<const T*>(a.x) + row;
  const T* delta = a.delta ? static_cast<const T*>(a.delta) + row : nullptr;
  T* sum = a.delta ? static_cast<T*>(a.sum) + row : nullptr;
  float squares = 0;
  for (std::int64_t c = threadIdx.x * N; c < a.width; c += blockDim.x * N) {
    float s[N];
    load(x + c, a.width - c, whole, s);
    if (delta) {
      float d[N];
      load(delta + c, a.width - c, whole, d);
#pragma unroll
      for (int i = 0; i < N; ++i) s[i] = cuda::rounded<T>(s[i] + d[i]);  // what backward will read
      store(s, a.width - c, whole, sum + c);
    }
#pragma unroll
    for (int i = 0; i < N; ++i) squares += s[i] * s[i];
  }
  const float rstd = 1.0f / sqrtf(cuda::block_sum(squares) / static_cast<float>(a.width) + a.eps);
  if (threadIdx.x == 0) a.rstd[blockIdx.x] = rstd;
  const T* normalised = delta ? sum : x;
  for (std::int64_t c = threadIdx.x * N; c < a.width; c += blockDim.x * N) {
    float s[N], w[N];
    load(normalised + c, a.width - c, whole, s);
    load(static_cast<const T*>(a.weight) + c, a.width - c, whole, w);
#pragma unroll
    for (int i = 0; i < N; ++i) s[i] *= rstd * w[i];
    store(s, a.width - c, whole, static_cast<T*>(a.normed) + row + c);
  }
}

// d_x = rstd (g - x rstd mean(g x rstd)) + d_sum, g = d_normed * weight
template <class T>
__global__ void __launch_bounds__(kThreads) rms_norm_backward(RmsNormBackwardArgs a, bool whole) {
  constexpr int N = kPack<T>;
  const std::int64_t row = std::int64_t{blockIdx.x} * a.width;
  const T* x = static_cast<const T*>(a.sum) + row;
  const T* dy = static_cast<const T*>(a.d_normed) + row;
  const T* weight = static_cast<const T*>(a.weight);
  const float rstd = a.rstd[blockIdx.x];
  float g_x = 0;
  for (std::int64_t c = threadIdx.x * N; c < a.width; c += blockDim.x * N) {
    float s[N], g[N], w[N];
    load(x + c, a.width - c, whole, s);
    load(dy + c, a.width - c, whole, g);
    load(weight + c, a.width - c, whole, w);
#pragma unroll
    for (int i = 0; i < N; ++i) g_x += g[i] * w[i] * s[i];
  }
  const float along = cuda::block_sum(g_x) * rstd * rstd / static_cast<float>(a.width);
  for (std::int64_t c = threadIdx.x * N; c < a.width; c += blockDim.x * N) {
    float s[N], g[N], w[N], residual[N] = {};
    load(x + c, a.width - c, whole, s);
    load(dy + c, a.width - c, whole, g);
    load(weight + c, a.width - c, whole, w);
    if (a.d_sum) load(static_cast<const T*>(a.d_sum) + row + c, a.width - c, whole, residual);
#pragma unroll
    for (int i = 0; i < N; ++i) s[i] = rstd * (g[i] * w[i] - s[i] * along) + residual[i];
    store(s, a.width - c, whole, static_cast<T*>(a.d_x) + row + c);
  }
}

// workspace[group] = sum over the group's rows of d_normed * x * rstd; blockIdx.y is the group.
template <class T>
__global__ void __launch_bounds__(kColumnThreads)
    rms_norm_weight_partials(RmsNormBackwardArgs a, bool whole) {
  constexpr int N = kPack<T>;
  const std::int64_t c = (std::int64_t{blockIdx.x} * kColumnThreads + threadIdx.x) * N;
  if (c >= a.width) return;
  const std::int64_t per_group = (a.rows + kRmsNormGroups - 1) / kRmsNormGroups;
  const std::int64_t begin = blockIdx.y * per_group, end = min(a.rows, begin + per_group);
  float total[N] = {};
  for (std::int64_t r = begin; r < end; ++r) {
    float s[N], g[N];
    load(static_cast<const T*>(a.sum) + r * a.width + c, a.width - c, whole, s);
    load(static_cast<const T*>(a.d_normed) + r * a.width + c, a.width - c, whole, g);
    const float rstd = a.rstd[r];
#pragma unroll
    for (int i = 0; i < N; ++i) total[i] += g[i] * s[i] * rstd;
  }
  store(total, a.width - c, whole, a.workspace + blockIdx.y * a.width + c);
}

__global__ void __launch_bounds__(kColumnThreads) rms_norm_weight_gradient(RmsNormBackwardArgs a) {
  const std::int64_t c = std::int64_t{blockIdx.x} * kColumnThreads + threadIdx.x;
  if (c >= a.width) return;
  float total = 0;
  for (std::int64_t group = 0; group < kRmsNormGroups; ++group) total += a.workspace[group * a.width + c];
  a.d_weight[c] += total;
}

}  // namespace

void rms_norm_forward_cuda(const RmsNormForwardArgs& a, void* stream) {
  if (a.rows == 0 || a.width == 0) return;
  cuda::with_type(a.type, [&]<class T>(T) {
    const bool whole = a.width % kPack<T> == 0 && cuda::aligned({a.x, a.delta, a.weight, a.sum, a.normed});
    cuda::launch("rms_norm_forward_cuda", rms_norm_forward<T>, dim3(cuda::blocks_for(a.rows, 1)),
                 cuda::threads_for(a.width / kPack<T>, kThreads), stream, a, whole);
  });
}

void rms_norm_backward_cuda(const RmsNormBackwardArgs& a, void* stream) {
  if (a.rows == 0 || a.width == 0) return;
  constexpr const char* kName = "rms_norm_backward_cuda";
  cuda::with_type(a.type, [&]<class T>(T) {
    const bool whole =
        a.width % kPack<T> == 0 && cuda::aligned({a.d_sum, a.d_normed, a.sum, a.weight, a.d_x, a.workspace});
    if (a.d_weight) {  // first: d_x may overwrite d_sum, never what this reads
      const dim3 grid(cuda::blocks_for(a.width, kColumnThreads * kPack<T>), kRmsNormGroups);
      cuda::launch(kName, rms_norm_weight_partials<T>, grid, kColumnThreads, stream, a, whole);
      cuda::launch(kName, rms_norm_weight_gradient, dim3(cuda::blocks_for(a.width, kColumnThreads)),
                   kColumnThreads, stream, a);
    }
    cuda::launch(kName, rms_norm_backward<T>, dim3(cuda::blocks_for(a.rows, 1)),
                 cuda::threads_for(a.width / kPack<T>, kThreads), stream, a, whole);
  });
}

}  // namespace hone::nn
