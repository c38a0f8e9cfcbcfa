#include "core/nn/tensor_pool.h"

#include <c10/core/CPUAllocator.h>
#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <map>
#include <mutex>
#include <new>
#include <unordered_map>

namespace hone::nn {
namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kSmallest = 64 << 10;  // smaller ones are malloc's business
constexpr std::size_t kMapped = 1 << 20;     // mapped from here on

// Large blocks are mapped, so that a block given up leaves no hole in the heap; neighbours share huge pages.
bool is_mapped(std::size_t size) { return size >= kMapped; }

void* fresh(std::size_t size) {
  if (is_mapped(size)) {
    void* data = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED) throw std::bad_alloc();
    madvise(data, size, MADV_HUGEPAGE);
    return data;
  }
  void* data = nullptr;
  if (posix_memalign(&data, kAlignment, size) != 0) throw std::bad_alloc();
  return data;
}

void release(void* data, std::size_t size) {
  if (is_mapped(size)) {
    munmap(data, size);
  } else {
    std::free(data);
  }
}

// Sizes that differ by less than an eighth share their blocks.
std::size_t size_class(std::size_t bytes) {
  const std::size_t step = std::max(kAlignment, std::bit_floor(bytes) / 8);
  return (bytes + step - 1) / step * step;
}

class TensorPool final : public c10::Allocator {
 public:
  c10::DataPtr allocate(std::size_t bytes) override {
    if (bytes == 0) return {nullptr, c10::Device(c10::kCPU)};
    if (bytes < kSmallest) {
      void* data = fresh(bytes);
      return {data, data, &std::free, c10::Device(c10::kCPU)};
    }
    void* data = take(size_class(bytes));
    return {data, data, &give_back, c10::Device(c10::kCPU)};
  }

  // For memory that is asked for without a DataPtr around it.
  c10::DeleterFnPtr raw_deleter() const override { return &give_back; }

  void copy_data(void* to, const void* from, std::size_t bytes) const override {
    default_copy_data(to, from, bytes);
  }

  static TensorPool& instance() {
    static TensorPool* pool = new TensorPool;  // outlives every tensor
    return *pool;
  }

 private:
  static void give_back(void* data) {
    TensorPool& pool = instance();
    const std::lock_guard lock(pool.mutex_);
    const auto found = pool.taken_.find(data);
    if (found == pool.taken_.end()) return std::free(data);  // a small one
    pool.in_use_ -= found->second;
    pool.idle_ += found->second;
    pool.free_.emplace(found->second, data);
    pool.taken_.erase(found);
  }

  void* take(std::size_t size) {
    const std::lock_guard lock(mutex_);
    in_use_ += size;
    most_in_use_ = std::max(most_in_use_, in_use_);
    if (const auto found = free_.find(size); found != free_.end()) {
      void* data = found->second;
      free_.erase(found);
      idle_ -= size;
      taken_.emplace(data, size);
      return data;
    }
    while (!free_.empty() && in_use_ + idle_ > most_in_use_) release_largest();
    try {
      void* data = fresh(size);
      taken_.emplace(data, size);
      return data;
    } catch (const std::bad_alloc&) {
      in_use_ -= size;
      throw;
    }
  }

  void release_largest() {
    const auto largest = std::prev(free_.end());
    idle_ -= largest->first;
    release(largest->second, largest->first);
    free_.erase(largest);
  }

  std::mutex mutex_;
  std::multimap<std::size_t, void*> free_;        // by size
  std::unordered_map<void*, std::size_t> taken_;  // of the pool's own blocks in use
  std::size_t in_use_ = 0, idle_ = 0, most_in_use_ = 0;
};

}  // namespace

void install_tensor_pool() { c10::SetCPUAllocator(&TensorPool::instance(), /*priority=*/1); }

}  // namespace hone::nn
