#pragma once
// What every kernel shares: element types, 16-byte accesses, sums over a block, launching. For .cu files
// only. The subset of CUDA used here and in the kernels is what tests/kernels/emulation offers: no dynamic
// shared memory, blocks of whole warps, all lanes at every shuffle.
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "core/base/error.h"
#include "core/cuda/device.h"
#include "core/cuda/float_type.h"

namespace hone::cuda {

inline constexpr int kWarp = 32;
inline constexpr unsigned kAllLanes = 0xFFFFFFFFu;

// ---- element types: stored narrow, computed in fp32

__device__ inline float wide(float value) { return value; }
__device__ inline float wide(__nv_bfloat16 value) { return __bfloat162float(value); }
__device__ inline float wide(__half value) { return __half2float(value); }

__device__ inline void narrow(float value, float& out) { out = value; }
__device__ inline void narrow(float value, __nv_bfloat16& out) { out = __float2bfloat16_rn(value); }
__device__ inline void narrow(float value, __half& out) { out = __float2half_rn(value); }

// As it will read back from storage.
template <class T>
__device__ float rounded(float value) {
  T stored;
  narrow(value, stored);
  return wide(stored);
}

// body(T{}) with T the element type that `type` names.
template <class Body>
void with_type(CudaFloat type, Body&& body) {
  switch (type) {
    case CudaFloat::fp32:
      return body(float{});
    case CudaFloat::bf16:
      return body(__nv_bfloat16{});
    case CudaFloat::fp16:
      return body(__half{});
  }
}

// ---- packs: N neighbouring values read or written at once

template <class T>
inline constexpr int kPack = 16 / static_cast<int>(sizeof(T));  // values in 16 bytes

template <class T, int N>
struct alignas(N * sizeof(T) < 16 ? N * sizeof(T) : 16) Pack {
  T values[N];
};

inline bool aligned(std::initializer_list<const void*> pointers) {
  return std::all_of(pointers.begin(), pointers.end(),
                     [](const void* p) { return reinterpret_cast<std::uintptr_t>(p) % 16 == 0; });
}

// N values at `from`, of which `count` are there (zeros for the rest). `whole`: the address is that of a
// pack.
template <int N, class T>
__device__ void load(const T* from, std::int64_t count, bool whole, float (&out)[N]) {
  if (whole && count >= N) {
    const Pack<T, N> pack = *reinterpret_cast<const Pack<T, N>*>(from);
#pragma unroll
    for (int i = 0; i < N; ++i) out[i] = wide(pack.values[i]);
  } else {
#pragma unroll
    for (int i = 0; i < N; ++i) out[i] = i < count ? wide(from[i]) : 0.0f;
  }
}

template <int N, class T>
__device__ void store(const float (&values)[N], std::int64_t count, bool whole, T* to) {
  if (whole && count >= N) {
    Pack<T, N> pack;
#pragma unroll
    for (int i = 0; i < N; ++i) narrow(values[i], pack.values[i]);
    *reinterpret_cast<Pack<T, N>*>(to) = pack;
  } else {
#pragma unroll
    for (int i = 0; i < N; ++i)
      if (i < count) narrow(values[i], to[i]);
  }
}

// ---- over a block: the same result in every thread, in an order fixed by the block's size

template <class T, class Merge>
__device__ T block_reduce(T value, T nothing, Merge merge) {
  __shared__ T of_warp[32];
  for (int lanes = kWarp / 2; lanes > 0; lanes /= 2)
    value = merge(value, __shfl_xor_sync(kAllLanes, value, lanes));
  if (threadIdx.x % kWarp == 0) of_warp[threadIdx.x / kWarp] = value;
  __syncthreads();
  T result = nothing;
  for (unsigned w = 0; w < blockDim.x / kWarp; ++w) result = merge(result, of_warp[w]);
  __syncthreads();  // of_warp may be used again at once
  return result;
}

template <class T>
__device__ T block_sum(T value) {
  return block_reduce(value, T{0}, [](T a, T b) { return a + b; });
}

// ---- launching

// Threads for one block that walks a row of `packs`: whole warps, no more than there is work for.
inline unsigned threads_for(std::int64_t packs, unsigned most) {
  const std::int64_t whole_warps = (std::max<std::int64_t>(packs, 1) + kWarp - 1) / kWarp * kWarp;
  return static_cast<unsigned>(std::min<std::int64_t>(whole_warps, most));
}

inline unsigned blocks_for(std::int64_t work, std::int64_t per_block) {
  return static_cast<unsigned>((work + per_block - 1) / per_block);
}

// `name` is the operation as a message names it.
inline void check(cudaError_t status, const char* name) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // clears the error, which would otherwise surface at the next launch
  require_device();
  throw Error(Exit::internal, "CU002", "CUDA call failed", name, cudaGetErrorString(status));
}

template <class... P>
void launch(const char* name, void (*kernel)(P...), dim3 grid, unsigned threads, void* stream,
            std::type_identity_t<P>... arguments) {
  cudaLaunchConfig_t config{};
  config.gridDim = grid;
  config.blockDim = dim3(threads);
  config.stream = static_cast<cudaStream_t>(stream);
  check(cudaLaunchKernelEx(&config, kernel, arguments...), name);
}

}  // namespace hone::cuda
