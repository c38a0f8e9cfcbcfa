#include "core/cuda/kernel.cuh"
#include "core/nn/embedding_cuda.h"

namespace hone::nn {
namespace {

using cuda::kPack;
using cuda::load;
using cuda::store;

constexpr unsigned kThreads = 256;

template <class T>
__global__ void __launch_bounds__(kThreads)
    embedding_forward(std::int64_t width, const std::int64_t* ids, const T* table, T* out, bool whole) {
  constexpr int N = kPack<T>;
  const T* row = table + ids[blockIdx.x] * width;
  T* to = out + blockIdx.x * width;
  for (std::int64_t c = threadIdx.x * N; c < width; c += blockDim.x * N) {
    float values[N];
    load(row + c, width - c, whole, values);
    store(values, width - c, whole, to + c);
  }
}

// Whether any token of [begin, end) has this id, the same in every thread.
__device__ bool occurs(std::int64_t id, const std::int64_t* ids, std::int64_t begin, std::int64_t end) {
  int found = 0;
  for (std::int64_t t = begin + threadIdx.x; t < end; t += blockDim.x) found |= ids[t] == id;
  return cuda::block_sum(found) > 0;
}

// One block a token; negative ids have no row. The block of an id's first token adds the rows of all its tokens,
// in order, each thread to columns of its own: no atomics, no sorting, and the order of additions does not
// depend on the launch.
template <class T>
__global__ void __launch_bounds__(kThreads)
    embedding_backward(std::int64_t tokens, std::int64_t width, const std::int64_t* ids, const T* d_out,
                       float* gradient, bool whole) {
  constexpr int N = kPack<T>;
  __shared__ std::int64_t window[kThreads];
  const std::int64_t first = blockIdx.x, id = ids[first];
  if (id < 0 || occurs(id, ids, 0, first)) return;
  for (std::int64_t begin = first; begin < tokens; begin += kThreads) {
    const std::int64_t count = min(std::int64_t{kThreads}, tokens - begin);
    __syncthreads();
    if (threadIdx.x < count) window[threadIdx.x] = ids[begin + threadIdx.x];
    __syncthreads();
    for (std::int64_t t = 0; t < count; ++t) {
      if (window[t] != id) continue;
      const T* row = d_out + (begin + t) * width;
      float* to = gradient + id * width;
      for (std::int64_t c = threadIdx.x * N; c < width; c += kThreads * N) {
        float d[N], total[N];
        load(row + c, width - c, whole, d);
        load(to + c, width - c, whole, total);
#pragma unroll
        for (int i = 0; i < N; ++i) total[i] += d[i];
        store(total, width - c, whole, to + c);
      }
    }
  }
}

}  // namespace

void embedding_forward_cuda(CudaFloat type, std::int64_t tokens, std::int64_t width, const std::int64_t* ids,
                            const void* table, void* out, void* stream) {
  if (tokens == 0 || width == 0) return;
  cuda::with_type(type, [&]<class T>(T) {
    cuda::launch("embedding_forward_cuda", embedding_forward<T>, dim3(cuda::blocks_for(tokens, 1)),
                 cuda::threads_for(width / kPack<T>, kThreads), stream, width, ids,
                 static_cast<const T*>(table), static_cast<T*>(out),
                 width % kPack<T> == 0 && cuda::aligned({table, out}));
  });
}

void embedding_backward_cuda(CudaFloat type, std::int64_t tokens, std::int64_t width, const std::int64_t* ids,
                             const void* d_out, float* gradient, void* stream) {
  if (tokens == 0 || width == 0) return;
  cuda::with_type(type, [&]<class T>(T) {
    cuda::launch("embedding_backward_cuda", embedding_backward<T>, dim3(cuda::blocks_for(tokens, 1)),
                 kThreads, stream, tokens, width, ids, static_cast<const T*>(d_out), gradient,
                 width % kPack<T> == 0 && cuda::aligned({d_out, gradient}));
  });
}

}  // namespace hone::nn
