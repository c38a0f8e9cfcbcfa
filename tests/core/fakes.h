#pragma once
// Every port of the training loop, faked; and a small run put together from them.
#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/objective/objective.h"
#include "core/optim/optimizer_on.h"
#include "core/train/step.h"
#include "core/train/trainer.h"
#include "tests/core/golden.h"

namespace hone::test {

// One batch after another.
inline TokenBatch joined(const std::vector<TokenBatch>& batches) {
  TokenBatch all;
  for (const TokenBatch& batch : batches) {
    const std::int32_t shift = all.cu_seqlens.back();
    all.tokens.insert(all.tokens.end(), batch.tokens.begin(), batch.tokens.end());
    all.positions.insert(all.positions.end(), batch.positions.begin(), batch.positions.end());
    all.supervised.insert(all.supervised.end(), batch.supervised.begin(), batch.supervised.end());
    for (std::size_t s = 1; s < batch.cu_seqlens.size(); ++s)
      all.cu_seqlens.push_back(batch.cu_seqlens[s] + shift);
    all.sample.insert(all.sample.end(), batch.sample.begin(), batch.sample.end());
    all.slot.insert(all.slot.end(), batch.slot.begin(), batch.slot.end());
    all.prefix.insert(all.prefix.end(), batch.prefix.begin(), batch.prefix.end());
    all.epoch = batch.epoch;
  }
  return all;
}

// How a step's samples become this rank's bins.
using Cutter = std::function<std::vector<TokenBatch>(std::vector<TokenBatch> samples)>;
inline std::vector<TokenBatch> one_bin(std::vector<TokenBatch> samples) { return {joined(samples)}; }
inline std::vector<TokenBatch> bin_each(std::vector<TokenBatch> samples) { return samples; }

// The golden samples in file order, epoch after epoch, the last batch of each short.
class ListSource final : public BatchSource {
 public:
  ListSource(std::int64_t samples, std::int64_t batch_size, Cutter cutter)
      : batch_size_(batch_size), cutter_(std::move(cutter)) {
    const Golden golden("samples.safetensors");
    for (std::int64_t s = 0; s < samples; ++s) samples_.push_back(batch_of(golden, s, s + 1));
  }
  StepPlan next_step() override {
    StepPlan plan;
    std::vector<TokenBatch> samples;
    for (; plan.samples < batch_size_ && cursor_.next_sample < sample_count();
         ++plan.samples, ++cursor_.next_sample) {
      samples.push_back(samples_[cursor_.next_sample]);
      samples.back().epoch = cursor_.epoch;
    }
    plan.bins = cutter_(std::move(samples));
    if (cursor_.next_sample == sample_count()) cursor_ = {cursor_.epoch + 1, 0};
    plan.epoch =
        static_cast<double>(cursor_.epoch) + static_cast<double>(cursor_.next_sample) / sample_count();
    return plan;
  }
  Cursor cursor() const override { return cursor_; }
  void seek(const Cursor& cursor) override { cursor_ = cursor; }
  std::int64_t sample_count() const override { return static_cast<std::int64_t>(samples_.size()); }

 private:
  std::vector<TokenBatch> samples_;
  std::int64_t batch_size_;
  Cutter cutter_;
  Cursor cursor_;
};

// What was called, in order.
using Log = std::vector<std::string>;

struct LoggedSource final : BatchSource {
  explicit LoggedSource(Log& l) : log(l) {}
  StepPlan next_step() override {
    log.push_back("next_step");
    return plan;
  }
  Cursor cursor() const override { return {steps / samples, steps % samples}; }  // a step takes one sample
  void seek(const Cursor&) override {}
  std::int64_t sample_count() const override { return samples; }
  Log& log;
  StepPlan plan;
  std::int64_t steps = 0, samples = 1000;
};

// A world of one rank.
class SoloCommunicator final : public Communicator {
 public:
  int rank() const override { return 0; }
  int world_size() const override { return 1; }
  WorkPtr all_reduce(CommBuffer, ReduceOp) override { return done(); }
  WorkPtr reduce_scatter(CommBuffer, CommBuffer, ReduceOp) override { return done(); }
  WorkPtr all_gather(CommBuffer, CommBuffer) override { return done(); }
  WorkPtr broadcast(CommBuffer, int) override { return done(); }
  WorkPtr all_to_all(CommBuffer, CommBuffer) override { return done(); }
  WorkPtr barrier() override { return done(); }

 private:
  struct Done final : Work {
    void wait() override {}
  };
  static WorkPtr done() { return std::make_unique<Done>(); }
};

// A tiny model and everything a step of it needs, on one rank unless told otherwise.
struct TinyRun {
  model::Model model;
  objective::ObjectivePtr objective = objective::make_objective({});
  train::ArenaGradients gradients{model.arena().layout(), model.device()};
  optim::OptimizerPtr optimizer = optim::make_optimizer_on(model.device(), {.weight_decay = 0.01},
                                                           model.arena().layout(), model.arena().owned());
  SoloCommunicator solo;
  NoReduction alone;
  train::PhaseClock clock;
  LossScale loss_scale;
  double max_grad_norm = 1.0;
  optim::Schedule schedule = optim::make_schedule({.name = "linear", .warmup_steps = 2}, {}, 20);

  explicit TinyRun(const model::BuildSpec& spec, bool recompute = false)
      : model(build("tiny_llama", spec, recompute)) {}

  StepResult step(BatchSource& source, std::int64_t number) { return step(source, number, solo, alone); }
  StepResult step(BatchSource& source, std::int64_t number, Communicator& communicator,
                  GradientReduction& reduction) {
    gradients.set_reduction(&reduction);
    return step(source, number, communicator, gradients);
  }
  StepResult step(BatchSource& source, std::int64_t number, Communicator& communicator,
                  train::StepGradients& into) {
    train::StepParts parts{model,         *objective,   *optimizer, schedule, 1e-3,
                           max_grad_norm, communicator, into,       clock,    loss_scale};
    return train::run_step(parts, source, number);
  }
  std::vector<float> weights() {
    const at::Tensor values = model.arena().on_host();
    return {values.const_data_ptr<float>(), values.const_data_ptr<float>() + values.numel()};
  }
};

inline model::BuildSpec with_compute(model::BuildSpec spec, at::ScalarType compute) {
  spec.compute = compute;
  return spec;
}
inline model::BuildSpec full_spec() { return {.trained = model::Trained::everything}; }
inline model::BuildSpec lora_spec(double dropout = 0, std::vector<std::string> targets = {"all-linear"}) {
  model::BuildSpec spec{.trained = model::Trained::adapter};
  spec.lora = {.rank = 4, .alpha = 8, .dropout = dropout, .rslora = false, .targets = std::move(targets)};
  return spec;
}

}  // namespace hone::test
