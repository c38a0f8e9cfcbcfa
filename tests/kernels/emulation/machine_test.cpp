// The emulated device itself: barriers, shuffles, and what cannot go on.
#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <vector>

namespace hone::test {
namespace {

template <class... P, class... A>
void launch(void (*kernel)(P...), unsigned blocks, unsigned threads, A... arguments) {
  const cudaLaunchConfig_t config{.gridDim = dim3(blocks), .blockDim = dim3(threads)};
  cudaLaunchKernelEx(&config, kernel, arguments...);
}

__global__ void reverse_in_block(int* out) {
  __shared__ int shared[64];
  shared[threadIdx.x] = static_cast<int>(blockIdx.x * 100 + threadIdx.x);
  __syncthreads();
  out[blockIdx.x * blockDim.x + threadIdx.x] = shared[blockDim.x - 1 - threadIdx.x];
}

TEST(EmulatedDevice, ABarrierWaitsForTheWholeBlock) {
  std::vector<int> out(2 * 64);
  launch(reverse_in_block, 2, 64, out.data());
  for (int b = 0; b < 2; ++b)
    for (int t = 0; t < 64; ++t) EXPECT_EQ(out[b * 64 + t], b * 100 + 63 - t);
}

__global__ void neighbours(int* out, unsigned* votes) {
  const int lane = static_cast<int>(threadIdx.x % 32);
  out[threadIdx.x] = __shfl_xor_sync(0xFFFFFFFFu, static_cast<int>(threadIdx.x), 1);
  votes[threadIdx.x] = __ballot_sync(0xFFFFFFFFu, lane == 3 || threadIdx.x == 40);
}

TEST(EmulatedDevice, ShufflesAndVotesStayWithinAWarp) {
  std::vector<int> out(64);
  std::vector<unsigned> votes(64);
  launch(neighbours, 1, 64, out.data(), votes.data());
  for (int t = 0; t < 64; ++t) {
    EXPECT_EQ(out[t], t ^ 1);
    EXPECT_EQ(votes[t], t < 32 ? 1u << 3 : 1u << 3 | 1u << 8);
  }
}

__global__ void leaves_early(int* out) {
  if (threadIdx.x >= 32) return;
  __syncthreads();
  out[threadIdx.x] = 1;
}

TEST(EmulatedDevice, ThreadsThatHaveEndedHoldNobodyUp) {
  std::vector<int> out(32);
  launch(leaves_early, 1, 96, out.data());
  EXPECT_EQ(out, std::vector<int>(32, 1));
}

__global__ void diverges() {
  if (threadIdx.x == 0) {
    __syncthreads();
  } else {
    __shfl_xor_sync(0xFFFFFFFFu, 1, 1);
  }
}

TEST(EmulatedDeviceDeathTest, ThreadsThatWaitForDifferentThingsAreReported) {
  EXPECT_DEATH(launch(diverges, 1, 32), "wait at different barriers");
}

}  // namespace
}  // namespace hone::test
