#include "core/cuda/kernel.cuh"
#include "core/quant/nf4_cuda.h"

namespace hone {
namespace {

using cuda::kAllLanes;
using cuda::kPack;
using cuda::kWarp;

constexpr int kWarps = 8;  // per thread block
constexpr int kThreads = kWarp * kWarps;
constexpr int kCodesPerLane = 32;  // one 16-byte load
constexpr int kTile = kWarp * kCodesPerLane;
constexpr int kBlock = 64;         // elements per absmax
constexpr int kNestedBlock = 256;  // absmax values per nested absmax
constexpr int kBlocksPerProcessor = 8;

__constant__ float kCodebook[16] = {
    -1.0f,
    -0.6961928009986877f,
    -0.5250730514526367f,
    -0.39491748809814453f,
    -0.28444138169288635f,
    -0.18477343022823334f,
    -0.09105003625154495f,
    0.0f,
    0.07958029955625534f,
    0.16093020141124725f,
    0.24611230194568634f,
    0.33791524171829224f,
    0.44070982933044434f,
    0.5626170039176941f,
    0.7229568362236023f,
    1.0f,
};

// ---- dequantise

// The two tables live in shared memory: lanes look up different entries, which constant memory would
// serialise.
struct Tables {
  float code[16];
  float nested[256];
};

__device__ void fill(Tables& tables, const Nf4View& weight) {
  for (int i = threadIdx.x; i < 16; i += blockDim.x) tables.code[i] = kCodebook[i];
  if (weight.absmax == nullptr) {
    for (int i = threadIdx.x; i < 256; i += blockDim.x) tables.nested[i] = weight.nested_map[i];
  }
  __syncthreads();
}

// Product and sum are rounded one by one, as bitsandbytes does: a fused multiply-add would differ in the last
// bit.
__device__ float scale_of(const Tables& tables, const Nf4View& weight, std::int64_t block) {
  if (weight.absmax != nullptr) return weight.absmax[block];
  const float product =
      __fmul_rn(tables.nested[weight.nested_codes[block]], weight.nested_absmax[block / kNestedBlock]);
  return __fadd_rn(product, weight.nested_offset);
}

__device__ float value_of(const Tables& tables, std::uint8_t byte, bool second, float scale) {
  return __fmul_rn(tables.code[second ? byte & 15 : byte >> 4], scale);
}

// One tile: each lane loads 32 codes at once; by way of shared memory every store of the warp is then 16
// bytes a lane, side by side.
template <class T>
__device__ void whole_tile(const Tables& tables, const Nf4View& weight, std::int64_t begin, uint4* staged,
                           T* out) {
  const int lane = threadIdx.x % kWarp;
  __syncwarp();
  staged[lane] = reinterpret_cast<const uint4*>(weight.codes + begin / 2)[lane];
  __syncwarp();
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(staged);
#pragma unroll
  for (int first = lane * kPack<T>; first < kTile; first += kWarp * kPack<T>) {
    const float scale = scale_of(tables, weight, (begin + first) / kBlock);
    float values[kPack<T>];
#pragma unroll
    for (int i = 0; i < kPack<T>; ++i) values[i] = value_of(tables, bytes[(first + i) / 2], i % 2, scale);
    cuda::store(values, kPack<T>, true, out + begin + first);
  }
}

template <class T>
__device__ void last_tile(const Tables& tables, const Nf4View& weight, std::int64_t begin, T* out) {
  for (std::int64_t i = begin + threadIdx.x % kWarp; i < weight.elements; i += kWarp) {
    const float scale = scale_of(tables, weight, i / kBlock);
    cuda::narrow(value_of(tables, weight.codes[i / 2], i % 2, scale), out[i]);
  }
}

template <class T>
__global__ void __launch_bounds__(kThreads) nf4_dequantize(Nf4View weight, T* out) {
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

// As many blocks as stay resident: each fills its tables once.
unsigned dequantize_blocks(std::int64_t elements) {
  constexpr const char* kName = "nf4_dequantize_cuda";
  int device = 0, processors = 0;
  cuda::check(cudaGetDevice(&device), kName);
  cuda::check(cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, device), kName);
  return std::min(cuda::blocks_for(elements, std::int64_t{kWarps} * kTile),
                  static_cast<unsigned>(processors * kBlocksPerProcessor));
}

// ---- quantise

constexpr int kPerThread = 8;                          // makes four bytes
constexpr int kThreadsPerBlock = kBlock / kPerThread;  // neighbouring lanes that share an absmax

// Codes of eight values, the first in the high nibble of the lowest byte; a tie goes to the lower code.
__device__ std::uint32_t codes_of(const float (&values)[kPerThread], float inverse, std::int64_t count) {
  int code[kPerThread] = {};
#pragma unroll
  for (int c = 0; c < 15; ++c) {
    const float threshold = (kCodebook[c] + kCodebook[c + 1]) / 2.0f;
#pragma unroll
    for (int i = 0; i < kPerThread; ++i) code[i] += __fmul_rn(values[i], inverse) > threshold;
  }
  std::uint32_t bytes = 0;
#pragma unroll
  for (int i = 0; i < kPerThread; ++i)
    if (i < count) bytes |= static_cast<std::uint32_t>(code[i]) << (4 * (i ^ 1));
  return bytes;
}

template <class T>
__global__ void __launch_bounds__(kThreads)
    nf4_quantize(const T* values, std::int64_t elements, std::uint8_t* codes, float* absmax) {
  const std::int64_t at = (std::int64_t{blockIdx.x} * kThreads + threadIdx.x) * kPerThread;
  const std::int64_t count = elements - at;  // may be negative: such threads only help their warp
  float x[kPerThread];
  cuda::load(values + at, count, true, x);
  float top = 0;
#pragma unroll
  for (int i = 0; i < kPerThread; ++i) top = fmaxf(top, fabsf(x[i]));
  for (int lanes = kThreadsPerBlock / 2; lanes > 0; lanes /= 2)
    top = fmaxf(top, __shfl_xor_sync(kAllLanes, top, lanes));
  if (count <= 0) return;
  const std::uint32_t bytes = codes_of(x, top > 0 ? 1.0f / top : 0.0f, count);
  if (count >= kPerThread) {
    *reinterpret_cast<std::uint32_t*>(codes + at / 2) = bytes;
  } else {
    for (int i = 0; i < count; i += 2) codes[(at + i) / 2] = static_cast<std::uint8_t>(bytes >> (4 * i));
  }
  if (at % kBlock == 0) absmax[at / kBlock] = top;
}

}  // namespace

void nf4_dequantize_cuda(const Nf4View& weight, CudaFloat type, void* out, void* stream) {
  HONE_CHECK(weight.elements >= 0 && cuda::aligned({weight.codes, out}));
  HONE_CHECK(weight.absmax != nullptr || (weight.nested_codes && weight.nested_map && weight.nested_absmax));
  if (weight.elements == 0) return;
  cuda::with_type(type, [&]<class T>(T) {
    cuda::launch("nf4_dequantize_cuda", nf4_dequantize<T>, dim3(dequantize_blocks(weight.elements)), kThreads,
                 stream, weight, static_cast<T*>(out));
  });
}

void nf4_quantize_cuda(const void* values, CudaFloat type, std::int64_t elements, std::uint8_t* codes,
                       float* absmax, void* stream) {
  HONE_CHECK(elements >= 0 && cuda::aligned({values, codes}));
  if (elements == 0) return;
  cuda::with_type(type, [&]<class T>(T) {
    cuda::launch("nf4_quantize_cuda", nf4_quantize<T>,
                 dim3(cuda::blocks_for(elements, kThreads * kPerThread)), kThreads, stream,
                 static_cast<const T*>(values), elements, codes, absmax);
  });
}

}  // namespace hone
