#include "core/objective/sft.h"

#include <ATen/ATen.h>

#include <bit>

#include "core/base/error.h"

namespace hone::objective {
namespace {

at::Tensor to_index(const std::vector<std::int64_t>& values, at::Device device) {
  return at::tensor(at::ArrayRef<std::int64_t>(values), at::kLong).to(device);
}

class Sft final : public CapturableObjective {
 public:
  explicit Sft(const nn::LossTerms& terms) : terms_(terms) {}

  double weight(const TokenBatch& batch) const override {
    double count = 0;
    for (std::int64_t s = 0; s < batch.sequence_count(); ++s)
      for (std::int64_t t = batch.cu_seqlens[s] + 1; t < batch.cu_seqlens[s + 1]; ++t)
        count += batch.supervised[t];
    return count;
  }

  double train(model::Model& model, const TokenBatch& batch, double scale, GradientSink& sink) override {
    const TargetRows rows = target_rows(batch);
    if (rows.row.empty()) {
      model.stand_by(&sink);
      return 0;
    }
    const at::Device device = model.device();
    const at::ScalarType type = device.is_cpu() ? at::kDouble : at::kFloat;
    const Targets targets{to_index(rows.row, device), to_index(rows.target, device),
                          at::full({}, scale, at::TensorOptions().dtype(type).device(device))};
    return run(model, nn::to_tensors(batch, device), targets, sink).item<double>();
  }

  std::int64_t target_count(const TokenBatch& batch) const override {
    return static_cast<std::int64_t>(weight(batch));
  }

  // The batch's words, then the rows that meet the head, their targets, and the bits of the scale. Rows that only fill up
  // are the last one, which predicts nothing, and ignored by their target.
  std::vector<std::int32_t> stage(const TokenBatch& batch, double scale,
                                  std::int64_t targets) const override {
    std::vector<std::int32_t> words = nn::pack(batch);
    const TargetRows rows = target_rows(batch);
    const std::size_t fill = static_cast<std::size_t>(targets) - rows.row.size();
    words.insert(words.end(), rows.row.begin(), rows.row.end());
    words.insert(words.end(), fill, static_cast<std::int32_t>(batch.token_count() - 1));
    words.insert(words.end(), rows.target.begin(), rows.target.end());
    words.insert(words.end(), fill, -1);
    words.push_back(std::bit_cast<std::int32_t>(static_cast<float>(scale)));
    return words;
  }

  at::Tensor train_staged(model::Model& model, const StagedBatch& batch, GradientSink& sink) override {
    const std::int64_t after = batch.shape.words(), n = batch.targets;
    const Targets targets{batch.words.narrow(0, after, n).to(at::kLong),
                          batch.words.narrow(0, after + n, n).to(at::kLong),
                          batch.words.narrow(0, after + 2 * n, 1).view(at::kFloat)};
    return run(model, nn::unpack(batch.words.narrow(0, 0, after), batch.shape), targets, sink);
  }

  std::vector<SequenceScore> score(const model::Model& model, const TokenBatch& batch,
                                   nn::AdapterMode adapters) const override {
    std::vector<SequenceScore> scores(batch.sequence_count());
    for (std::size_t s = 0; s < scores.size(); ++s) scores[s].sample = batch.sample[s];
    const TargetRows rows = target_rows(batch);
    if (rows.row.empty()) {
      model.stand_by();
      return scores;
    }
    const at::Tensor hidden =
        model.forward(batch, {.adapters = adapters}).index_select(0, to_index(rows.row, model.device()));
    const nn::TokenScores tokens =
        nn::score_targets(model.head(), hidden, to_index(rows.target, model.device()));
    model.release_head();
    const at::Tensor logp = tokens.logp.cpu().to(at::kDouble), likeliest = tokens.likeliest.cpu();
    for (std::size_t r = 0; r < rows.row.size(); ++r) {
      SequenceScore& score = scores[rows.sequence[r]];
      score.logp += logp.const_data_ptr<double>()[r];
      score.right += likeliest.const_data_ptr<bool>()[r];
      ++score.tokens;
    }
    return scores;
  }

 private:
  // Where the rows' losses are formed, and what their gradient is multiplied by.
  struct Targets {
    at::Tensor row, target, scale;
  };
  at::Tensor run(model::Model& model, nn::BatchTensors batch, const Targets& targets,
                 GradientSink& sink) const {
    model::ModelTape tape;
    const std::int64_t tokens = batch.tokens.size(0);
    const at::Tensor rows =
        model.forward(std::move(batch), {.dropout = true, .tape = &tape}).index_select(0, targets.row);
    const nn::CrossEntropyThere loss =
        nn::linear_cross_entropy(model.head(), rows, targets.target, targets.scale, sink, terms_);
    at::Tensor d_hidden = at::zeros({tokens, rows.size(1)}, rows.options());
    d_hidden.index_copy_(0, targets.row,
                         loss.d_h);  // each row predicts one token; those that only fill up are 0
    model.backward(std::move(d_hidden), tape, sink);
    return loss.loss_sum;
  }

  nn::LossTerms terms_;
};

}  // namespace

ObjectivePtr make_sft(const nn::LossTerms& terms) { return std::make_unique<Sft>(terms); }

}  // namespace hone::objective
