#include "core/cuda/kernel.cuh"
#include "core/train/gradients_cuda.h"

namespace hone::train {
namespace {

constexpr unsigned kThreads = 256;
constexpr int kPack = cuda::kPack<float>;
using AtomicIndex = unsigned long long;  // what atomicMin takes; -1 is its largest value

// One block a chunk.
__global__ void __launch_bounds__(kThreads)
    chunk_squares(const float* values, std::int64_t elements, double* of_chunk, bool whole) {
  const std::int64_t begin = blockIdx.x * kNormChunk, end = min(elements, begin + kNormChunk);
  float squares = 0;
  for (std::int64_t at = begin + threadIdx.x * kPack; at < end; at += kThreads * kPack) {
    float x[kPack];
    cuda::load(values + at, end - at, whole, x);
#pragma unroll
    for (int i = 0; i < kPack; ++i) squares += x[i] * x[i];
  }
  squares = cuda::block_sum(squares);
  if (threadIdx.x == 0) of_chunk[blockIdx.x] = squares;
}

// One block in all.
__global__ void __launch_bounds__(kThreads)
    root_of_sum(const double* of_chunk, std::int64_t chunks, double* norm) {
  double sum = 0;
  for (std::int64_t c = threadIdx.x; c < chunks; c += kThreads) sum += of_chunk[c];
  sum = cuda::block_sum(sum);
  if (threadIdx.x == 0) *norm = sqrt(sum);
}

// The least index does not depend on the order of the atomics.
__global__ void __launch_bounds__(kThreads)
    least_not_finite(const float* values, std::int64_t elements, AtomicIndex* first) {
  const std::int64_t at = std::int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (at < elements && !isfinite(values[at])) atomicMin(first, static_cast<AtomicIndex>(at));
}

__global__ void __launch_bounds__(kThreads)
    multiply(float* values, std::int64_t elements, float factor, bool whole) {
  const std::int64_t at = (std::int64_t{blockIdx.x} * kThreads + threadIdx.x) * kPack;
  if (at >= elements) return;
  float x[kPack];
  cuda::load(values + at, elements - at, whole, x);
#pragma unroll
  for (int i = 0; i < kPack; ++i) x[i] *= factor;
  cuda::store(x, elements - at, whole, values + at);
}

}  // namespace

void global_norm_cuda(const float* values, std::int64_t elements, double* workspace, double* norm,
                      void* stream) {
  const unsigned chunks = cuda::blocks_for(elements, kNormChunk);
  if (chunks > 0)
    cuda::launch("global_norm_cuda", chunk_squares, dim3(chunks), kThreads, stream, values, elements,
                 workspace, cuda::aligned({values}));
  cuda::launch("global_norm_cuda", root_of_sum, dim3(1), kThreads, stream, workspace, chunks, norm);
}

void first_not_finite_cuda(const float* values, std::int64_t elements, std::int64_t* first, void* stream) {
  constexpr const char* kName = "first_not_finite_cuda";
  cuda::check(cudaMemsetAsync(first, 0xFF, sizeof(*first), static_cast<cudaStream_t>(stream)), kName);
  if (elements == 0) return;
  cuda::launch(kName, least_not_finite, dim3(cuda::blocks_for(elements, kThreads)), kThreads, stream, values,
               elements, reinterpret_cast<AtomicIndex*>(first));
}

void scale_cuda(float* values, std::int64_t elements, float factor, void* stream) {
  if (elements == 0) return;
  cuda::launch("scale_cuda", multiply, dim3(cuda::blocks_for(elements, kThreads * kPack)), kThreads, stream,
               values, elements, factor, cuda::aligned({values}));
}

}  // namespace hone::train
