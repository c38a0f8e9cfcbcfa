#include "core/nn/add.h"

#include <ATen/ATen.h>

namespace hone::nn {
namespace {

struct AddNode final : TapeNode {
  int a, b, out;

  void backward(Gradients& gradients, GradientSink&) override {
    const at::Tensor d_out = gradients.take(out);
    gradients.add(a, d_out);
    gradients.add(b, d_out);
  }
};

}  // namespace

Value add(const Pass& pass, const Value& a, const Value& b) {
  Value out = pass.output(a.tensor + b.tensor, a.wants_gradient() || b.wants_gradient());
  if (out.wants_gradient()) {
    auto node = std::make_unique<AddNode>();
    node->a = a.slot, node->b = b.slot, node->out = out.slot;
    pass.tape->record(std::move(node));
  }
  return out;
}

}  // namespace hone::nn
