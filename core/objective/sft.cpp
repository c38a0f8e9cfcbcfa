#include "core/objective/sft.h"

#include <ATen/ATen.h>

namespace hone::objective {
namespace {

at::Tensor to_index(const std::vector<std::int64_t>& values, at::Device device) {
  return at::tensor(at::ArrayRef<std::int64_t>(values), at::kLong).to(device);
}

class Sft final : public Objective {
 public:
  explicit Sft(const nn::LossTerms& terms) : terms_(terms) {}

  double weight(const TokenBatch& batch) const override {
    double count = 0;
    for (std::int64_t s = 0; s < batch.sequence_count(); ++s)
      for (std::int64_t t = batch.cu_seqlens[s] + 1; t < batch.cu_seqlens[s + 1]; ++t) count += batch.supervised[t];
    return count;
  }

  double train(model::Model& model, const TokenBatch& batch, double scale, GradientSink& sink) override {
    const TargetRows rows = target_rows(batch);
    if (rows.row.empty()) {
      for (std::size_t b = model.arena().layout().blocks.size(); b-- > 0;) sink.block_final(b);
      return 0;
    }
    model::ModelTape tape;
    const at::Tensor hidden = model.forward(batch, {.dropout = true, .tape = &tape});
    const at::Tensor index = to_index(rows.row, model.device());
    nn::CrossEntropy loss = nn::linear_cross_entropy(model.head(), hidden.index_select(0, index),
                                                     to_index(rows.target, model.device()), scale, sink, terms_);
    at::Tensor d_hidden = at::zeros_like(hidden);
    d_hidden.index_copy_(0, index, loss.d_h);  // each row predicts one token: no row twice
    model.backward(std::move(d_hidden), tape, sink);
    return loss.loss_sum;
  }

  std::vector<SequenceScore> score(const model::Model& model, const TokenBatch& batch,
                                   nn::AdapterMode adapters) const override {
    std::vector<SequenceScore> scores(batch.sequence_count());
    for (std::size_t s = 0; s < scores.size(); ++s) scores[s].sample = batch.sample[s];
    const TargetRows rows = target_rows(batch);
    if (rows.row.empty()) return scores;
    const at::Tensor hidden =
        model.forward(batch, {.adapters = adapters}).index_select(0, to_index(rows.row, model.device()));
    const at::Tensor logp = nn::linear_log_prob(model.head(), hidden, to_index(rows.target, model.device()))
                                .cpu()
                                .to(at::kDouble);
    for (std::size_t r = 0; r < rows.row.size(); ++r) {
      scores[rows.sequence[r]].logp += logp.const_data_ptr<double>()[r];
      ++scores[rows.sequence[r]].tokens;
    }
    return scores;
  }

 private:
  nn::LossTerms terms_;
};

}  // namespace

ObjectivePtr make_sft(const nn::LossTerms& terms) {
  return std::make_unique<Sft>(terms);
}

}  // namespace hone::objective
