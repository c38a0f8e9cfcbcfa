#pragma once
// The trunk's own tape. An operator run with a tape records a node: a struct that declares what its backward
// needs. Playing the tape in reverse hands each node its output's gradient and lets it add to its inputs'.
// Not thread-safe; one tape per micro-batch.
#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>
#include <vector>

#include "core/ports/gradient_sink.h"

namespace hone::nn {

// A tensor that backward will want: kept, or made once more from what is kept anyway (the same bits).
class Saved {
 public:
  explicit Saved(at::Tensor kept) : kept_(std::move(kept)) {}
  explicit Saved(std::function<at::Tensor()> make) : make_(std::move(make)) {}
  // Made when first asked for, then held as long as anybody holds this.
  const at::Tensor& get() {
    if (!kept_.defined()) kept_ = make_();
    return kept_;
  }

 private:
  at::Tensor kept_;
  std::function<at::Tensor()> make_;
};

// A tensor in a forward pass. slot < 0: nobody wants its gradient.
struct Value {
  at::Tensor tensor;
  int slot = -1;
  std::shared_ptr<Saved> again =
      nullptr;  // how backward gets the tensor without its being kept; null: keep it
  bool wants_gradient() const { return slot >= 0; }
  std::shared_ptr<Saved> saved() const { return again ? again : std::make_shared<Saved>(tensor); }
};

// Gradients under way, by slot.
class Gradients {
 public:
  at::Tensor take(int slot);                // undefined where nothing flowed
  void add(int slot, at::Tensor gradient);  // no-op for slot < 0
  void add_product(int slot, const at::Tensor& a,
                   const at::Tensor& b);  // += a b, without a temporary if it can
  void resize(int slots) { slots_.resize(slots); }

 private:
  std::vector<at::Tensor> slots_;
};

class TapeNode {
 public:
  virtual ~TapeNode() = default;
  virtual void backward(Gradients& gradients, GradientSink& sink) = 0;
};

class Tape {
 public:
  Value variable(at::Tensor tensor) { return {std::move(tensor), slots_++}; }
  void record(std::unique_ptr<TapeNode> node) { nodes_.push_back(std::move(node)); }
  // Plays everything recorded, last first, freeing each node once played. The gradient that reached `input`
  // (undefined for slot < 0) is returned.
  at::Tensor backward(const Value& output, at::Tensor d_output, const Value& input, GradientSink& sink);
  bool empty() const { return nodes_.empty(); }
  void clear();

 private:
  std::vector<std::unique_ptr<TapeNode>> nodes_;
  int slots_ = 0;
};

}  // namespace hone::nn
