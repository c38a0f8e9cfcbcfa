#pragma once
// Tensors in the memory of the CUDA device that this build has: a real one, or the emulated one (emulation/),
// whose runtime has the same names.
#include <ATen/ATen.h>
#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include "core/cuda/float_type.h"
#include "tests/core/nn_support.h"

namespace hone::test {

// A copy of a CPU tensor, between two guards that must survive what kernels do. `shift` elements off the
// 16-byte alignment that vector accesses want.
class OnDevice {
 public:
  explicit OnDevice(const at::Tensor& host, std::int64_t shift = 0)
      : shape_(host.contiguous()),
        offset_(kGuard + shift * shape_.element_size()),
        size_(offset_ + shape_.nbytes() + kGuard) {
    require(cudaMalloc(&memory_, size_));
    std::vector<std::uint8_t> bytes(size_, kUntouched);
    if (shape_.nbytes() > 0) std::memcpy(bytes.data() + offset_, shape_.const_data_ptr(), shape_.nbytes());
    require(cudaMemcpy(memory_, bytes.data(), size_, cudaMemcpyHostToDevice));
  }
  ~OnDevice() { cudaFree(memory_); }
  OnDevice(const OnDevice&) = delete;
  OnDevice& operator=(const OnDevice&) = delete;

  void* data() const { return static_cast<std::uint8_t*>(memory_) + offset_; }
  template <class T>
  T* as() const {
    return static_cast<T*>(data());
  }

  at::Tensor host() const {
    std::vector<std::uint8_t> bytes(size_);
    require(cudaMemcpy(bytes.data(), memory_, size_, cudaMemcpyDeviceToHost));  // waits for kernels
    for (std::size_t i = 0; i < size_; ++i)
      if ((i < offset_ || i >= offset_ + shape_.nbytes()) && bytes[i] != kUntouched) {
        ADD_FAILURE() << "a kernel wrote " << static_cast<std::int64_t>(i - offset_)
                      << " bytes from the beginning of " << shape_.nbytes();
        break;
      }
    at::Tensor out = at::empty_like(shape_);
    if (out.nbytes() > 0) std::memcpy(out.mutable_data_ptr(), bytes.data() + offset_, out.nbytes());
    return out;
  }

 private:
  static constexpr std::size_t kGuard = 64;
  static constexpr std::uint8_t kUntouched = 0xA5;
  static void require(cudaError_t status) {
    if (status != cudaSuccess) throw std::runtime_error(cudaGetErrorString(status));
  }

  at::Tensor shape_;
  std::size_t offset_, size_;
  void* memory_ = nullptr;
};

// The test of a kernel; needs a device.
class Kernel : public testing::Test {
 protected:
  void SetUp() override {
    int count = 0;
    if (cudaGetDeviceCount(&count) != cudaSuccess || count == 0)
      GTEST_SKIP() << "no CUDA device on this machine";
    at::manual_seed(7);
  }
};

// The element types that kernels compute on, and how far two fp32 computations of a value may be apart once
// stored.
struct ElementType {
  at::ScalarType at;
  CudaFloat cuda;
  double tolerance;
};
inline const ElementType kElementTypes[] = {{at::kFloat, CudaFloat::fp32, 2e-6},
                                            {at::kBFloat16, CudaFloat::bf16, kBf16Tolerance},
                                            {at::kHalf, CudaFloat::fp16, 1.0 / 1024}};

}  // namespace hone::test
