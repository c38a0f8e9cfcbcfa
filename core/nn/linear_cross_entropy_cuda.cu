#include "core/cuda/kernel.cuh"
#include "core/nn/linear_cross_entropy_cuda.h"

namespace hone::nn {
namespace {

using cuda::kPack;
using cuda::load;
using cuda::store;

constexpr unsigned kThreads = 512;

// Of a row's logits z.
struct RowSums {
  float top;   // max z
  float exps;  // sum of exp(z - top)
  float sum;   // of z
};

// What a thread has seen so far: its exps are rescaled when a larger logit comes.
template <int N>
__device__ void take(const float (&z)[N], std::int64_t count, RowSums& seen) {
  float top = seen.top;
#pragma unroll
  for (int i = 0; i < N; ++i)
    if (i < count) top = fmaxf(top, z[i]);
  if (top > seen.top) seen.exps *= expf(seen.top - top);
  seen.top = top;
#pragma unroll
  for (int i = 0; i < N; ++i) {
    if (i >= count) continue;
    seen.exps += expf(z[i] - top);
    seen.sum += z[i];
  }
}

template <class T>
__device__ RowSums sums_of(const T* row, std::int64_t vocab, bool whole) {
  constexpr int N = kPack<T>;
  RowSums seen{-INFINITY, 0, 0};
  for (std::int64_t c = threadIdx.x * N; c < vocab; c += blockDim.x * N) {
    float z[N];
    load(row + c, vocab - c, whole, z);
    take(z, vocab - c, seen);
  }
  const float top = cuda::block_reduce(seen.top, -INFINITY, [](float a, float b) { return fmaxf(a, b); });
  const float mine =
      seen.exps > 0 ? seen.exps * expf(seen.top - top) : 0.0f;  // a thread may have seen nothing
  return {top, cuda::block_sum(mine), cuda::block_sum(seen.sum)};
}

// Differences to the largest logit, so that large ones cost no digits.
__device__ void report(const LogitsArgs& a, float picked, const RowSums& row) {
  if (threadIdx.x != 0) return;
  const float log_exps = logf(row.exps), lse = row.top + log_exps;
  const float mean = row.sum / static_cast<float>(a.vocab), e = a.label_smoothing;
  if (a.logp) a.logp[blockIdx.x] = picked - row.top - log_exps;
  if (a.loss)
    a.loss[blockIdx.x] =
        (1 - e) * (row.top - picked) + e * (row.top - mean) + log_exps + a.z_loss * lse * lse;
}

__device__ void report_ignored(const LogitsArgs& a) {
  if (threadIdx.x != 0) return;
  if (a.logp) a.logp[blockIdx.x] = 0;
  if (a.loss) a.loss[blockIdx.x] = 0;
}

template <class T>
__global__ void __launch_bounds__(kThreads) log_prob(LogitsArgs a, bool whole) {
  const T* row = static_cast<const T*>(a.logits) + blockIdx.x * a.vocab;
  const std::int64_t target = a.targets[blockIdx.x];
  if (target < 0) return report_ignored(a);
  const RowSums sums = sums_of(row, a.vocab, whole);
  report(a, cuda::wide(row[target]), sums);
}

template <class T>
__global__ void __launch_bounds__(kThreads)
    softmax_gradient(LogitsArgs a, const float* grad_scale, bool whole) {
  constexpr int N = kPack<T>;
  T* row = static_cast<T*>(a.logits) + blockIdx.x * a.vocab;
  const std::int64_t target = a.targets[blockIdx.x];
  const bool ignored = target < 0;
  const float picked =
      ignored ? 0.0f : cuda::wide(row[target]);  // before any thread writes: sums_of waits for all
  const RowSums sums = sums_of(row, a.vocab, whole);
  const float lse = sums.top + logf(sums.exps);
  if (ignored) {
    report_ignored(a);
  } else {
    report(a, picked, sums);
  }
  const float scale = ignored ? 0.0f : *grad_scale;
  const float of_softmax = ignored ? 0.0f : scale * (1 + 2 * a.z_loss * lse) / sums.exps;
  const float of_all = scale * a.label_smoothing / static_cast<float>(a.vocab);
  const float of_target = scale * (1 - a.label_smoothing);
  for (std::int64_t c = threadIdx.x * N; c < a.vocab; c += blockDim.x * N) {
    float z[N];
    load(row + c, a.vocab - c, whole, z);
#pragma unroll
    for (int i = 0; i < N; ++i) {
      z[i] = ignored ? 0.0f : expf(z[i] - sums.top) * of_softmax - of_all;
      if (c + i == target) z[i] -= of_target;
    }
    store(z, a.vocab - c, whole, row + c);
  }
}

template <class Kernel>
void for_type(const LogitsArgs& a, Kernel&& kernel) {
  if (a.rows == 0 || a.vocab == 0) return;
  cuda::with_type(a.type, [&]<class T>(T value) {
    kernel(value, dim3(cuda::blocks_for(a.rows, 1)), cuda::threads_for(a.vocab / kPack<T>, kThreads),
           a.vocab % kPack<T> == 0 && cuda::aligned({a.logits}));
  });
}

}  // namespace

void softmax_gradient_cuda(const LogitsArgs& a, const float* grad_scale, void* stream) {
  for_type(a, [&]<class T>(T, dim3 grid, unsigned threads, bool whole) {
    cuda::launch("softmax_gradient_cuda", softmax_gradient<T>, grid, threads, stream, a, grad_scale, whole);
  });
}

void log_prob_cuda(const LogitsArgs& a, void* stream) {
  for_type(a, [&]<class T>(T, dim3 grid, unsigned threads, bool whole) {
    cuda::launch("log_prob_cuda", log_prob<T>, grid, threads, stream, a, whole);
  });
}

}  // namespace hone::nn
