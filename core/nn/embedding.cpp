#include "core/nn/embedding.h"

#include <ATen/ATen.h>

namespace hone::nn {
namespace {

struct EmbeddingNode final : TapeNode {
  at::Tensor tokens;
  std::size_t parameter;
  int out;

  void backward(Gradients& gradients, GradientSink& sink) override {
    const at::Tensor d_out = gradients.take(out);
    if (!d_out.defined()) return;
    at::Tensor gradient = sink.gradient(parameter);
    gradient.index_add_(0, tokens, d_out.to(gradient.scalar_type()));
  }
};

}  // namespace

Value embedding(const Pass& pass, const WeightPtr& table) {
  const bool trained = table->parameter().has_value();
  Value out = pass.output(table->acquire().index_select(0, pass.batch.tokens), trained);
  if (out.wants_gradient()) {
    auto node = std::make_unique<EmbeddingNode>();
    node->tokens = pass.batch.tokens;
    node->parameter = *table->parameter();
    node->out = out.slot;
    pass.tape->record(std::move(node));
  }
  return out;
}

}  // namespace hone::nn
