#include "core/cuda/kernel.cuh"
#include "core/nn/dropout_cuda.h"

namespace hone::nn {
namespace {

constexpr unsigned kThreads = 256;
constexpr int kWords = 4;  // of one Philox call

struct Words {
  std::uint32_t word[kWords];
};

// Philox4x32-10 as in core/base/philox.h, whose std::array the device has no functions for.
__device__ Words philox(Words c, std::uint32_t key0, std::uint32_t key1) {
#pragma unroll
  for (int round = 0; round < 10; ++round) {
    const std::uint32_t high0 = __umulhi(0xD2511F53u, c.word[0]), low0 = 0xD2511F53u * c.word[0];
    const std::uint32_t high1 = __umulhi(0xCD9E8D57u, c.word[2]), low1 = 0xCD9E8D57u * c.word[2];
    c = {{high1 ^ c.word[1] ^ key0, low1, high0 ^ c.word[3] ^ key1, low0}};
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return c;
}

// One block a token; four features share a Philox call.
template <class T>
__global__ void __launch_bounds__(kThreads)
    dropout_mask(DropoutMaskArgs a, float rate, float keep, bool whole) {
  const auto epoch = static_cast<std::uint64_t>(*a.epoch);
  const Words key = philox(
      {{static_cast<std::uint32_t>(epoch), static_cast<std::uint32_t>(epoch >> 32), a.site, 0x64726f70u}},
      static_cast<std::uint32_t>(a.seed), static_cast<std::uint32_t>(a.seed >> 32));
  const std::int64_t token = blockIdx.x;
  T* row = static_cast<T*>(a.mask) + token * a.width;
  for (std::int64_t f = threadIdx.x * kWords; f < a.width; f += blockDim.x * kWords) {
    const Words words =
        philox({{a.sample[token], a.slot[token], a.position[token], static_cast<std::uint32_t>(f / kWords)}},
               key.word[0], key.word[1]);
    float values[kWords];
#pragma unroll
    for (int i = 0; i < kWords; ++i) {
      const float uniform = static_cast<float>(words.word[i] >> 8) * 0x1.0p-24f;
      values[i] = uniform < rate ? 0.0f : keep;
    }
    cuda::store(values, a.width - f, whole, row + f);
  }
}

}  // namespace

void dropout_mask_cuda(const DropoutMaskArgs& a, void* stream) {
  if (a.tokens == 0 || a.width == 0) return;
  const float rate = static_cast<float>(a.rate), keep = 1.0f / static_cast<float>(1.0 - a.rate);
  cuda::with_type(a.type, [&]<class T>(T) {
    cuda::launch("dropout_mask_cuda", dropout_mask<T>, dim3(cuda::blocks_for(a.tokens, 1)),
                 cuda::threads_for(a.width / kWords, kThreads), stream, a, rate, keep,
                 a.width % kWords == 0 && cuda::aligned({a.mask}));
  });
}

}  // namespace hone::nn
