#undef _FORTIFY_SOURCE  // which takes a jump to another stack for an error
#include "machine.h"

#include <ucontext.h>

#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

namespace hone::emulation {
namespace {

constexpr std::size_t kStackBytes = 64 * 1024;

[[noreturn]] void fail(const char* why) {
  std::fprintf(stderr, "emulated kernel: %s (block %u of %u)\n", why, blockIdx.x, gridDim.x);
  std::abort();
}

// Members that have ended count as arrived, as on a device.
struct Barrier {
  unsigned members = 0, arrived = 0, generation = 0;

  void arrive() {
    ++arrived;
    release_if_complete();
  }
  void leave() {
    --members;
    release_if_complete();
  }
  void release_if_complete() {
    if (arrived == 0 || arrived < members) return;
    arrived = 0;
    ++generation;
  }
};

struct Warp {
  Barrier barrier;
  std::uint64_t slots[kWarp];
};

// Switching by _setjmp and _longjmp: swapcontext would make a system call each time. ucontext only starts a
// fiber.
struct Fiber {
  ucontext_t start;
  jmp_buf place;
  bool started = false;
  std::unique_ptr<char[]> stack = std::make_unique<char[]>(kStackBytes);
  const Barrier* awaited = nullptr;
  unsigned generation = 0;  // of the awaited barrier on arrival
  bool ended = false;

  bool can_run() const { return !ended && (!awaited || awaited->generation != generation); }
};

// One block at a time. Fibers and their stacks are kept for the next block.
class Machine {
 public:
  void run_block(unsigned threads, const std::function<void()>& thread) {
    thread_ = &thread;
    prepare(threads);
    while (block_.members > 0) {
      bool progress = false;
      for (unsigned t = 0; t < threads; ++t) {
        if (!fibers_[t]->can_run()) continue;
        resume(t);
        progress = true;
      }
      if (!progress) fail("threads of a block wait at different barriers");
    }
  }

  void wait(Barrier& barrier) {
    Fiber& fiber = *fibers_[current_];
    fiber.awaited = &barrier;
    fiber.generation = barrier.generation;
    barrier.arrive();
    if (!fiber.can_run()) suspend(fiber);
    fiber.awaited = nullptr;
  }

  Barrier& block() { return block_; }
  Warp& warp() { return warps_[current_ / kWarp]; }

 private:
  void prepare(unsigned threads) {
    while (fibers_.size() < threads) add_fiber();
    warps_.assign(threads / kWarp, Warp{});
    for (Warp& warp : warps_) warp.barrier.members = kWarp;
    block_ = {.members = threads};
    for (unsigned t = 0; t < threads; ++t) fibers_[t]->ended = false;
  }

  void add_fiber() {
    fibers_.push_back(std::make_unique<Fiber>());
    Fiber& fiber = *fibers_.back();
    getcontext(&fiber.start);
    fiber.start.uc_stack.ss_sp = fiber.stack.get();
    fiber.start.uc_stack.ss_size = kStackBytes;
    fiber.start.uc_link = nullptr;
    makecontext(&fiber.start, &Machine::live, 0);
  }

  void resume(unsigned t) {
    current_ = t;
    threadIdx = {t, 0, 0};
    Fiber& fiber = *fibers_[t];
    if (_setjmp(scheduler_) != 0) return;
    if (fiber.started) _longjmp(fiber.place, 1);
    fiber.started = true;
    setcontext(&fiber.start);
  }

  void suspend(Fiber& fiber) {
    if (_setjmp(fiber.place) == 0) _longjmp(scheduler_, 1);
  }

  static void live();

  const std::function<void()>* thread_ = nullptr;
  std::vector<std::unique_ptr<Fiber>> fibers_;
  std::vector<Warp> warps_;
  Barrier block_;
  jmp_buf scheduler_;
  unsigned current_ = 0;
};

Machine& machine() {
  static Machine instance;
  return instance;
}

// A fiber never returns: one thread of one block after the other.
void Machine::live() {
  Machine& self = machine();
  for (;;) {
    (*self.thread_)();
    Fiber& fiber = *self.fibers_[self.current_];
    fiber.ended = true;
    self.warp().barrier.leave();
    self.block_.leave();
    self.suspend(fiber);
  }
}

}  // namespace

void run(dim3 grid, dim3 block, const std::function<void()>& thread) {
  gridDim = grid;
  blockDim = block;
  if (block.x == 0 || block.x > 1024 || block.x % kWarp != 0 || block.y * block.z != 1)
    fail("a block has to be one-dimensional, of whole warps, and of at most 1024 threads");
  for (blockIdx.z = 0; blockIdx.z < grid.z; ++blockIdx.z)
    for (blockIdx.y = 0; blockIdx.y < grid.y; ++blockIdx.y)
      for (blockIdx.x = 0; blockIdx.x < grid.x; ++blockIdx.x) machine().run_block(block.x, thread);
}

void sync_block() { machine().wait(machine().block()); }
void sync_warp() { machine().wait(machine().warp().barrier); }

std::uint64_t exchange(std::uint64_t value, unsigned source) {
  machine().warp().slots[threadIdx.x % kWarp] = value;
  sync_warp();
  const std::uint64_t brought = machine().warp().slots[source % kWarp];
  sync_warp();
  return brought;
}

}  // namespace hone::emulation
