// The pool of tensor memory: what it hands out again, and how much it keeps. It replaces the allocator of the whole
// process, so each test runs in a child.
#include "core/nn/tensor_pool.h"

#include <ATen/ATen.h>
#include <c10/core/CPUAllocator.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <vector>

namespace hone::test {
namespace {

constexpr std::int64_t kMebibyte = 1 << 20;

at::Tensor bytes(std::int64_t n) {
  return at::full({n}, 7, at::kByte);
}  // written, so that it is really there

std::int64_t resident_bytes() {
  std::int64_t total = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

template <class Body>
void in_child(Body&& body) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");  // a child of its own: a fork would lack LibTorch's threads
  EXPECT_EXIT(
      {
        nn::install_tensor_pool();
        body();
        std::exit(testing::Test::HasFailure() ? 1 : 0);
      },
      testing::ExitedWithCode(0), "");
}

TEST(TensorPool, HandsAFreedBlockOutAgain) {
  in_child([] {
    at::Tensor first = bytes(8 * kMebibyte);
    const void* data = first.const_data_ptr();
    first.reset();
    EXPECT_EQ(bytes(8 * kMebibyte - 1000).const_data_ptr(), data);
  });
}

TEST(TensorPool, BlocksInUseAreNeverShared) {
  in_child([] {
    std::vector<at::Tensor> held;
    for (int i = 0; i < 50; ++i) {
      held.push_back(at::full({100000 + i}, i, at::kInt));
      if (i % 3 == 0) held.erase(held.begin());
    }
    for (const at::Tensor& t : held) EXPECT_TRUE(t.eq(t.const_data_ptr<int>()[0]).all().item<bool>());
    for (std::size_t i = 1; i < held.size(); ++i)
      EXPECT_EQ(held[i].const_data_ptr<int>()[0], held[i - 1].const_data_ptr<int>()[0] + 1);
  });
}

TEST(TensorPool, KeepsNoMoreThanWasOnceInUse) {
  in_child([] {
    const std::int64_t before = resident_bytes();
    for (std::int64_t size = 20; size <= 64; size += 2) bytes(size * kMebibyte);  // 23 sizes, one at a time
    EXPECT_LE(resident_bytes() - before, 80 * kMebibyte);
  });
}

TEST(TensorPool, ServesMemoryThatIsNoTensors) {
  in_child([] {
    c10::Allocator* allocator = c10::GetCPUAllocator();
    for (const std::size_t size : {100, 1 << 20}) allocator->raw_deallocate(allocator->raw_allocate(size));
    const at::Tensor x = at::ones({64, 576}, at::kBFloat16), w = at::ones({128, 576}, at::kBFloat16);
    EXPECT_EQ(at::mm(x, w.t()).to(at::kFloat).max().item<float>(),
              576.0f);  // by oneDNN, which asks for raw memory
  });
}

TEST(TensorPool, ServesSmallAndEmptyTensors) {
  in_child([] {
    EXPECT_EQ(at::empty({0}).numel(), 0);
    EXPECT_EQ(at::ones({3}).sum().item<float>(), 3.0f);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(at::empty({5}).const_data_ptr()) % 64, 0u);
  });
}

}  // namespace
}  // namespace hone::test
