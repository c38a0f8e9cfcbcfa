#include "core/model/activations.h"

#include <algorithm>

namespace hone::model {
namespace {

constexpr double kLogitRows = 256;  // of a chunk in linear_cross_entropy

struct Widths {
  double hidden, inner, q, kv, heads, head_dim;
};

Widths widths_of(const formats::ModelConfig& c) {
  const auto d = static_cast<double>(c.head_dim), heads = static_cast<double>(c.num_heads);
  return {static_cast<double>(c.hidden_size),
          static_cast<double>(c.intermediate_size),
          d * heads,
          d * static_cast<double>(c.num_kv_heads),
          heads,
          d};
}

// What one block's tape keeps of a token: the residual stream twice, q, k, v, attention's output, gate and
// up; in fp32 the norms' statistics, attention's and the rotary table. Norms and gate times up are made again
// in backward.
double block_bytes(const Widths& w, const BuildSpec& spec, double element) {
  double elements = 2 * w.hidden + 2 * w.q + 2 * w.kv + 2 * w.inner;
  if (spec.trained == Trained::adapter) {
    elements += 7 * static_cast<double>(spec.lora.rank);
    if (spec.lora.dropout > 0)
      elements += 2 * (2 * w.hidden + w.q + w.inner);  // a mask and what it leaves, per input
  }
  return element * elements + 4 * (2 + w.heads + w.head_dim);
}

// What backward has under way beside the tape: what it makes again, gradients of a block's widest operators,
// and where there is no kernel their arithmetic in fp32.
double passing_bytes(const Widths& w, double element, bool by_kernels) {
  return element * (5 * w.hidden + 4 * w.inner) + (by_kernels ? 0 : 4 * (8 * w.inner));
}

}  // namespace

ActivationEstimate estimate_activations(const formats::ModelConfig& config, const BuildSpec& spec,
                                        bool recompute, std::int64_t longest) {
  const Widths w = widths_of(config);
  const double element = static_cast<double>(c10::elementSize(spec.compute));
  const bool by_kernels = spec.compute != at::kHalf || !spec.device.is_cpu();
  const double block = block_bytes(w, spec, element), blocks = static_cast<double>(config.num_layers);
  const auto vocab = static_cast<double>(config.vocab_size);
  ActivationEstimate estimate;
  estimate.per_token = passing_bytes(w, element, by_kernels) + block;
  if (spec.trained != Trained::nothing)
    estimate.per_token += recompute ? blocks * element * w.hidden : (blocks - 1) * block;
  estimate.fixed = kLogitRows * vocab * (by_kernels ? 2 * element : element + 12);
  if (spec.nf4) estimate.fixed += element * w.hidden * std::max(w.inner, w.q);
  if (spec.trained == Trained::everything && spec.compute != at::kFloat)
    estimate.fixed += element * vocab * w.hidden;
  const auto n = static_cast<double>(longest);
  if (!by_kernels) estimate.fixed += 4 * 5 * w.heads * n * n;
  return estimate;
}

}  // namespace hone::model
