#pragma once
// LibTorch's autograd, the oracle of every hand-written backward.
#include <ATen/core/Tensor.h>

#include <vector>

namespace hone::test {

// A copy of `x` that autograd follows.
at::Tensor leaf(const at::Tensor& x);

// Gradients of sum_i <outputs[i], d_outputs[i]> in `inputs`; zeros where none flows.
std::vector<at::Tensor> autograd(const std::vector<at::Tensor>& outputs,
                                 const std::vector<at::Tensor>& d_outputs,
                                 const std::vector<at::Tensor>& inputs);

}  // namespace hone::test
