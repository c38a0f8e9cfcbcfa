#pragma once
// Running one operator on a tape of its own.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "core/nn/pass.h"
#include "core/nn/weight.h"
#include "core/ports/gradient_sink.h"

namespace hone::test {

inline at::Tensor random(at::IntArrayRef shape, at::ScalarType dtype = at::kDouble) {
  return at::randn(shape, at::kDouble).to(dtype);
}

// max |a - b| / max |b|
inline double error(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor x = a.detach().to(at::kDouble), y = b.detach().to(at::kDouble);
  if (x.sizes() != y.sizes()) return 1e300;
  if (x.numel() == 0) return 0;
  return ((x - y).abs().max() / y.abs().max().clamp_min(1e-30)).item<double>();
}

// Two fp64 computations of one formula differ in the order of additions only.
constexpr double kDoubleTolerance = 1e-12;
// Kernels compute in fp32 whatever they store, so that two of them differ by one rounding to bf16: 2^-8 of
// the value, less than 2^-7 of the largest.
constexpr double kBf16Tolerance = 1.0 / 128;

class TestWeight final : public nn::Weight {
 public:
  explicit TestWeight(at::Tensor tensor, std::optional<std::size_t> parameter = {})
      : tensor_(std::move(tensor)), parameter_(parameter) {}
  at::Tensor acquire() const override { return tensor_.detach(); }
  std::optional<std::size_t> parameter() const override { return parameter_; }
  at::IntArrayRef shape() const override { return tensor_.sizes(); }
  std::int64_t bytes() const override { return 0; }

 private:
  at::Tensor tensor_;
  std::optional<std::size_t> parameter_;
};

inline nn::WeightPtr frozen(const at::Tensor& t) { return std::make_shared<TestWeight>(t); }
inline nn::WeightPtr trained(const at::Tensor& t, std::size_t p) {
  return std::make_shared<TestWeight>(t, p);
}

// Buffers for parameters 0, 1, ... shaped and typed like the tensors given.
class TestSink final : public GradientSink {
 public:
  explicit TestSink(const std::vector<at::Tensor>& like = {}) {
    for (const at::Tensor& t : like) buffers_.push_back(at::zeros_like(t.detach()));
  }
  at::Tensor gradient(std::size_t parameter) override { return buffers_.at(parameter); }
  void block_final(std::size_t block) override { blocks.push_back(block); }
  std::vector<std::size_t> blocks;  // as announced

 private:
  std::vector<at::Tensor> buffers_;
};

inline nn::BatchTensors packed(const std::vector<std::int64_t>& lengths, std::int64_t first_sample = 0) {
  nn::BatchTensors batch;
  std::vector<std::int64_t> positions;
  batch.cu_seqlens = {0};
  for (std::size_t s = 0; s < lengths.size(); ++s) {
    for (std::int64_t t = 0; t < lengths[s]; ++t) positions.push_back(t);
    batch.cu_seqlens.push_back(static_cast<std::int64_t>(positions.size()));
    batch.sample.push_back(first_sample + static_cast<std::int64_t>(s));
    batch.slot.push_back(0);
  }
  batch.positions = at::tensor(at::ArrayRef<std::int64_t>(positions), at::kLong);
  batch.tokens = at::zeros_like(batch.positions);
  return batch;
}

// watch() the inputs, run operators with pass(), play() the gradients of their outputs, read gradient() of
// the inputs.
class TapeRun {
 public:
  explicit TapeRun(nn::BatchTensors batch = packed({1})) : batch_(std::move(batch)) {}
  nn::Pass pass() { return {batch_, &tape_, adapters, dropout, nullptr}; }

  nn::Value watch(const at::Tensor& x) {
    nn::Value value = tape_.variable(x.detach());
    tape_.record(std::make_unique<Capture>(value.slot, gradients_));
    return value;
  }
  void play(const std::vector<std::pair<nn::Value, at::Tensor>>& outputs, GradientSink& sink) {
    for (const auto& [value, gradient] : outputs) tape_.record(std::make_unique<Feed>(value.slot, gradient));
    tape_.backward({}, {}, {}, sink);
  }
  at::Tensor gradient(const nn::Value& value) const { return gradients_->at(value.slot); }

  nn::AdapterMode adapters = nn::AdapterMode::all;
  nn::DropoutKey dropout;

 private:
  using BySlot = std::map<int, at::Tensor>;
  struct Capture final : nn::TapeNode {
    Capture(int s, std::shared_ptr<BySlot> o) : slot(s), out(std::move(o)) {}
    void backward(nn::Gradients& gradients, GradientSink&) override { (*out)[slot] = gradients.take(slot); }
    int slot;
    std::shared_ptr<BySlot> out;
  };
  struct Feed final : nn::TapeNode {
    Feed(int s, at::Tensor d) : slot(s), gradient(std::move(d)) {}
    void backward(nn::Gradients& gradients, GradientSink&) override { gradients.add(slot, gradient); }
    int slot;
    at::Tensor gradient;
  };

  nn::BatchTensors batch_;
  nn::Tape tape_;
  std::shared_ptr<BySlot> gradients_ = std::make_shared<BySlot>();
};

}  // namespace hone::test
