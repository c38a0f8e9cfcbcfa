#pragma once
// A tensor put aside in host memory while the device works on others. On CUDA both ways go through pinned
// memory on a stream of their own, beside the computation; on other devices the copies wait. Used by one
// thread.
#include <ATen/core/Tensor.h>

#include <optional>

namespace hone::device {

class HostCopy {
 public:
  HostCopy() = default;
  explicit HostCopy(const at::Tensor& tensor);  // its memory is free for others once the copy is through
  bool holds() const { return host_.defined(); }
  void prefetch();    // begins to bring it back; once is enough
  at::Tensor take();  // on its device again, ready for the current stream; leaves this empty

 private:
  at::Tensor host_, back_;
  at::Device device_ = at::kCPU;
};

}  // namespace hone::device
