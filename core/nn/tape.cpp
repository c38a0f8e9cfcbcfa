#include "core/nn/tape.h"

#include <ATen/ATen.h>

#include "core/nn/product.h"

namespace hone::nn {
namespace {

// A residual hands one tensor to both its inputs, and a node may hold a view of it: neither may be written to.
bool held_alone(const at::Tensor& tensor) {
  return tensor.use_count() == 1 && tensor.storage().use_count() == 1;
}

}  // namespace

at::Tensor Gradients::take(int slot) {
  if (slot < 0) return {};
  return std::exchange(slots_[slot], {});
}

void Gradients::add(int slot, at::Tensor gradient) {
  if (slot < 0 || !gradient.defined()) return;
  at::Tensor& held = slots_[slot];
  if (!held.defined()) {
    held = std::move(gradient);
  } else if (held_alone(held)) {
    held.add_(gradient);
  } else {
    held = held + gradient;
  }
}

void Gradients::add_product(int slot, const at::Tensor& a, const at::Tensor& b) {
  if (slot < 0) return;
  at::Tensor& held = slots_[slot];
  if (held.defined() && held_alone(held)) {
    nn::add_product(held, a, b);
  } else {
    add(slot, product(a, b));
  }
}

at::Tensor Tape::backward(const Value& output, at::Tensor d_output, const Value& input, GradientSink& sink) {
  Gradients gradients;
  gradients.resize(slots_);
  gradients.add(output.slot, std::move(d_output));
  while (!nodes_.empty()) {
    const std::unique_ptr<TapeNode> node = std::move(nodes_.back());
    nodes_.pop_back();
    node->backward(gradients, sink);
  }
  slots_ = 0;
  return gradients.take(input.slot);
}

void Tape::clear() {
  nodes_.clear();
  slots_ = 0;
}

}  // namespace hone::nn
