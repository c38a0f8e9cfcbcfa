#include "core/nn/linear.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "core/nn/product.h"

namespace hone::nn {
namespace {

bool takes_part(const LoraBranch& branch, AdapterMode mode) {
  return mode == AdapterMode::all || (mode == AdapterMode::frozen && !branch.trained);
}

struct ActiveBranch {
  const LoraBranch* branch;
  at::Tensor low;  // drop(x) A^T, [T, r]
};

// sum + a b; sum may be undefined
void add_to(at::Tensor& sum, const at::Tensor& a, const at::Tensor& b) {
  sum.defined() ? add_product(sum, a, b) : void(sum = product(a, b));
}

struct LinearNode final : TapeNode {
  const Linear* layer;
  std::shared_ptr<Saved> x;    // where a gradient is formed from it
  at::Tensor x_dropped, mask;  // undefined where nothing is dropped
  std::vector<ActiveBranch> active;
  int in, out;
  bool weight_trained;

  void backward(Gradients& gradients, GradientSink& sink) override {
    at::Tensor dy = gradients.take(out);
    if (!dy.defined()) return;
    dy = dy.reshape({-1, layer->weight->shape()[0]});  // a consumer may have read it as heads
    // The small first: what is first is written, the rest is added to it.
    for (const ActiveBranch& one : active) branch_backward(one, dy, gradients, sink);
    if (in >= 0) gradients.add_product(in, dy, layer->weight->acquire());
    if (weight_trained) add_product(sink.gradient(*layer->weight->parameter()), dy.t(), x->get());
    if (layer->bias && layer->bias->parameter()) {
      at::Tensor gradient = sink.gradient(*layer->bias->parameter());
      gradient.add_(dy.sum(0, /*keepdim=*/false, gradient.scalar_type()));
    }
  }

  void branch_backward(const ActiveBranch& one, const at::Tensor& dy, Gradients& gradients,
                       GradientSink& sink) {
    const LoraBranch& branch = *one.branch;
    const bool trained = branch.a->parameter().has_value();
    const at::Tensor d_low = product(dy, branch.b->acquire()).mul_(branch.scale);
    if (trained) {
      add_product(sink.gradient(*branch.b->parameter()), dy.t(), one.low);  // low is already scaled
      add_product(sink.gradient(*branch.a->parameter()), d_low.t(), mask.defined() ? x_dropped : x->get());
    }
    if (in < 0) return;
    if (branch.trained && mask.defined()) {
      gradients.add(in, product(d_low, branch.a->acquire()).mul_(mask));
    } else {
      gradients.add_product(in, d_low, branch.a->acquire());
    }
  }
};

Value one_linear(const Pass& pass, const Value& x, const std::shared_ptr<Saved>& saved_x, const Linear& layer,
                 const at::Tensor& mask, const at::Tensor& x_dropped) {
  at::Tensor y;
  std::vector<ActiveBranch> active;
  bool trained = layer.weight->parameter().has_value() || (layer.bias && layer.bias->parameter());
  for (const LoraBranch& branch : layer.branches) {
    if (!takes_part(branch, pass.adapters)) continue;
    const at::Tensor& input = branch.trained && mask.defined() ? x_dropped : x.tensor;
    const at::Tensor low = branch.a->times_transposed(input).mul_(branch.scale);
    add_to(y, low, branch.b->acquire().t());
    active.push_back({&branch, low});
    trained = trained || branch.a->parameter().has_value();
  }
  y = y.defined() ? layer.weight->add_times_transposed(std::move(y), x.tensor)
                  : layer.weight->times_transposed(x.tensor);
  if (layer.bias) y.add_(layer.bias->acquire());
  Value out = pass.output(std::move(y), trained || x.wants_gradient());
  if (out.wants_gradient()) {
    auto node = std::make_unique<LinearNode>();
    node->layer = &layer;
    node->weight_trained = layer.weight->parameter().has_value();
    if (trained) node->x = saved_x, node->x_dropped = x_dropped;
    node->mask = mask;
    node->active = std::move(active);
    node->in = x.slot;
    node->out = out.slot;
    pass.tape->record(std::move(node));
  }
  return out;
}

}  // namespace

std::vector<Value> linears(const Pass& pass, const Value& x, const std::vector<const Linear*>& layers) {
  const auto drops = std::find_if(layers.begin(), layers.end(), [&](const Linear* layer) {
    return pass.dropout.enabled && pass.adapters == AdapterMode::all && layer->dropout.rate > 0;
  });
  const at::Tensor mask =
      drops != layers.end() ? dropout_mask(pass, x.tensor, (*drops)->dropout) : at::Tensor();
  const at::Tensor x_dropped = mask.defined() ? x.tensor * mask : at::Tensor();
  const std::shared_ptr<Saved> saved_x = x.saved();
  std::vector<Value> outputs;
  for (const Linear* layer : layers) outputs.push_back(one_linear(pass, x, saved_x, *layer, mask, x_dropped));
  return outputs;
}

Value linear(const Pass& pass, const Value& x, const Linear& layer) { return linears(pass, x, {&layer})[0]; }

}  // namespace hone::nn
