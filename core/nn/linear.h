#pragma once
// y = x W^T + b + sum over adapters of scale * (drop(x) A^T) B^T    (LoRA, Hu et al. 2021)
// x [T, in]; W [out, in]; A [r, in]; B [out, r]; y [T, out]. Gradients reach x, and W, b, A, B where trained.
#include <string>
#include <vector>

#include "core/nn/dropout.h"
#include "core/nn/weight.h"

namespace hone::nn {

struct LoraBranch {
  WeightPtr a, b;
  double scale = 1;
  bool trained = false;  // frozen branches take part in AdapterMode::frozen
};

struct Linear {
  std::string name;  // e.g. model.layers.0.self_attn.q_proj
  WeightPtr weight;
  WeightPtr bias;  // null: none
  std::vector<LoraBranch> branches;
  DropoutSite dropout;  // on the input of the trained branch
};

// All linears must read the same x: one dropout mask serves them.
std::vector<Value> linears(const Pass& pass, const Value& x, const std::vector<const Linear*>& layers);
Value linear(const Pass& pass, const Value& x, const Linear& layer);

}  // namespace hone::nn
