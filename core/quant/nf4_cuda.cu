#include "core/quant/nf4_cuda.h"

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <algorithm>

#include "core/base/error.h"
#include "core/cuda/device.h"

namespace hone {
namespace {

constexpr int kWarp = 32;
constexpr int kWarps = 8;                 // per thread block
constexpr int kCodesPerLane = 32;         // one 16-byte load
constexpr int kTile = kWarp * kCodesPerLane;
constexpr int kBlock = 64;                // elements per absmax
constexpr int kNestedBlock = 256;         // absmax values per nested absmax
constexpr int kBlocksPerProcessor = 8;

__constant__ float kCodebook[16] = {
    -1.0f, -0.6961928009986877f, -0.5250730514526367f, -0.39491748809814453f,
    -0.28444138169288635f, -0.18477343022823334f, -0.09105003625154495f, 0.0f,
    0.07958029955625534f, 0.16093020141124725f, 0.24611230194568634f, 0.33791524171829224f,
    0.44070982933044434f, 0.5626170039176941f, 0.7229568362236023f, 1.0f};

__device__ float rounded(float value, float) { return value; }
__device__ __nv_bfloat16 rounded(float value, __nv_bfloat16) { return __float2bfloat16_rn(value); }
__device__ __half rounded(float value, __half) { return __float2half_rn(value); }

// The two tables live in shared memory: lanes look up different entries, which constant memory would serialise.
struct Tables {
  float code[16];
  float nested[256];
};

__device__ void fill(Tables& tables, const Nf4DeviceView& weight) {
  for (int i = threadIdx.x; i < 16; i += blockDim.x) tables.code[i] = kCodebook[i];
  if (weight.absmax == nullptr) {
    for (int i = threadIdx.x; i < 256; i += blockDim.x) tables.nested[i] = weight.nested_map[i];
  }
  __syncthreads();
}

// Product and sum are rounded one by one, as bitsandbytes does: a fused multiply-add would differ in the last bit.
__device__ float scale_of(const Tables& tables, const Nf4DeviceView& weight, std::int64_t block) {
  if (weight.absmax != nullptr) return weight.absmax[block];
  const float product =
      __fmul_rn(tables.nested[weight.nested_codes[block]], weight.nested_absmax[block / kNestedBlock]);
  return __fadd_rn(product, weight.nested_offset);
}

__device__ float value_of(const Tables& tables, std::uint8_t byte, bool second, float scale) {
  return __fmul_rn(tables.code[second ? byte & 15 : byte >> 4], scale);
}

// One tile: each lane loads 32 codes at once; by way of shared memory every store of the warp is then 16 bytes a
// lane, side by side.
template <class T>
__device__ void whole_tile(const Tables& tables, const Nf4DeviceView& weight, std::int64_t begin, uint4* staged,
                           T* out) {
  constexpr int kPerStore = 16 / sizeof(T);
  const int lane = threadIdx.x % kWarp;
  __syncwarp();
  staged[lane] = reinterpret_cast<const uint4*>(weight.codes + begin / 2)[lane];
  __syncwarp();
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(staged);
#pragma unroll
  for (int first = lane * kPerStore; first < kTile; first += kWarp * kPerStore) {
    const float scale = scale_of(tables, weight, (begin + first) / kBlock);
    alignas(16) T values[kPerStore];
#pragma unroll
    for (int i = 0; i < kPerStore; ++i) {
      values[i] = rounded(value_of(tables, bytes[(first + i) / 2], i % 2, scale), T{});
    }
    *reinterpret_cast<uint4*>(out + begin + first) = *reinterpret_cast<const uint4*>(values);
  }
}

template <class T>
__device__ void last_tile(const Tables& tables, const Nf4DeviceView& weight, std::int64_t begin, T* out) {
  for (std::int64_t i = begin + threadIdx.x % kWarp; i < weight.elements; i += kWarp) {
    const float scale = scale_of(tables, weight, i / kBlock);
    out[i] = rounded(value_of(tables, weight.codes[i / 2], i % 2, scale), T{});
  }
}

template <class T>
__global__ void __launch_bounds__(kWarp* kWarps) dequantize(Nf4DeviceView weight, T* out) {
  __shared__ Tables tables;
  __shared__ uint4 staged[kWarps][kWarp];
  fill(tables, weight);
  const int warp = threadIdx.x / kWarp;
  const std::int64_t stride = std::int64_t{gridDim.x} * kWarps * kTile;
  for (std::int64_t begin = (std::int64_t{blockIdx.x} * kWarps + warp) * kTile; begin < weight.elements;
       begin += stride) {
    if (begin + kTile <= weight.elements) {
      whole_tile(tables, weight, begin, staged[warp], out);
    } else {
      last_tile(tables, weight, begin, out);
    }
  }
}

void check(cudaError_t status) {
  if (status == cudaSuccess) return;
  throw Error(Exit::internal, "CU002", "CUDA call failed", "nf4_dequantize_cuda", cudaGetErrorString(status));
}

int grid_size(std::int64_t elements) {
  int device = 0, processors = 0;
  check(cudaGetDevice(&device));
  check(cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, device));
  const std::int64_t per_block = std::int64_t{kWarps} * kTile;
  const std::int64_t needed = (elements + per_block - 1) / per_block;
  return static_cast<int>(std::min<std::int64_t>(needed, std::int64_t{processors} * kBlocksPerProcessor));
}

template <class T>
void launch(const Nf4DeviceView& weight, void* out, void* stream) {
  dequantize<<<grid_size(weight.elements), kWarp * kWarps, 0, static_cast<cudaStream_t>(stream)>>>(
      weight, static_cast<T*>(out));
  check(cudaGetLastError());
}

bool aligned(const void* pointer) { return reinterpret_cast<std::uintptr_t>(pointer) % 16 == 0; }

}  // namespace

void nf4_dequantize_cuda(const Nf4DeviceView& weight, CudaFloat type, void* out, void* stream) {
  cuda::require_device();
  HONE_CHECK(weight.elements >= 0 && aligned(weight.codes) && aligned(out));
  HONE_CHECK(weight.absmax != nullptr || (weight.nested_codes && weight.nested_map && weight.nested_absmax));
  if (weight.elements == 0) return;
  switch (type) {
    case CudaFloat::fp32: return launch<float>(weight, out, stream);
    case CudaFloat::bf16: return launch<__nv_bfloat16>(weight, out, stream);
    case CudaFloat::fp16: return launch<__half>(weight, out, stream);
  }
}

}  // namespace hone
