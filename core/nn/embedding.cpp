#include "core/nn/embedding.h"

#include <ATen/ATen.h>

#include "core/nn/on_cuda.h"

namespace hone::nn {
namespace {

struct EmbeddingNode final : TapeNode {
  at::Tensor rows;  // of the gradient, by token; -1 where it has none
  bool some_frozen = false;
  std::size_t parameter;
  int out;

  void backward(Gradients& gradients, GradientSink& sink) override {
    const at::Tensor d_out = gradients.take(out);
    if (!d_out.defined()) return;
    at::Tensor gradient = sink.gradient(parameter);
    if (device::has_cuda_kernel(d_out)) return embedding_backward_on_cuda(d_out, rows, gradient);
    if (!some_frozen) {
      gradient.index_add_(0, rows, d_out.to(gradient.scalar_type()));
    } else if (const at::Tensor trained = rows.ge(0).nonzero().squeeze(1); trained.numel() > 0) {
      gradient.index_add_(0, rows.index_select(0, trained),
                          d_out.index_select(0, trained).to(gradient.scalar_type()));
    }
  }
};

}  // namespace

Value embedding(const Pass& pass, const WeightPtr& table) {
  const bool trained = table->parameter().has_value();
  const at::Tensor rows = table->acquire();
  Value out = pass.output(device::has_cuda_kernel(rows) ? embedding_on_cuda(rows, pass.batch.tokens)
                                                        : rows.index_select(0, pass.batch.tokens),
                          trained);
  if (out.wants_gradient()) {
    auto node = std::make_unique<EmbeddingNode>();
    const TrainedRows* some = table->trained_rows();
    node->rows = some ? some->row_of.index_select(0, pass.batch.tokens) : pass.batch.tokens;
    node->some_frozen = some != nullptr;
    node->parameter = *table->parameter();
    node->out = out.slot;
    pass.tape->record(std::move(node));
  }
  return out;
}

}  // namespace hone::nn
