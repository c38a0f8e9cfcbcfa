#include "tests/core/autograd.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

namespace hone::test {

at::Tensor leaf(const at::Tensor& x) { return x.detach().clone().requires_grad_(true); }

std::vector<at::Tensor> autograd(const std::vector<at::Tensor>& outputs,
                                 const std::vector<at::Tensor>& d_outputs,
                                 const std::vector<at::Tensor>& inputs) {
  std::vector<at::Tensor> gradients = torch::autograd::grad(outputs, inputs, d_outputs, /*retain_graph=*/true,
                                                            /*create_graph=*/false, /*allow_unused=*/true);
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (!gradients[i].defined()) gradients[i] = at::zeros_like(inputs[i]);
  return gradients;
}

}  // namespace hone::test
