#pragma once
// The machine behind the emulated CUDA headers beside this file: it runs a kernel's blocks one after another,
// each thread of a block as a fiber of its own. A fiber runs until it has to wait for others (barrier,
// shuffle, vote); where the threads of a block wait for different things, the program ends with a message
// instead of hanging.
#include <cstdint>
#include <functional>

struct uint3 {
  unsigned x, y, z;
};
struct dim3 {
  unsigned x = 1, y = 1, z = 1;
  constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};

// Of the thread that runs now.
inline uint3 threadIdx, blockIdx;
inline dim3 blockDim, gridDim;

namespace hone::emulation {

inline constexpr unsigned kWarp = 32;

// Runs `thread` for every thread of the grid. Blocks are one-dimensional and hold whole warps.
void run(dim3 grid, dim3 block, const std::function<void()>& thread);

void sync_block();
void sync_warp();
// What lane `source` of this warp brought to the same call. Every lane takes part.
std::uint64_t exchange(std::uint64_t value, unsigned source);

}  // namespace hone::emulation
