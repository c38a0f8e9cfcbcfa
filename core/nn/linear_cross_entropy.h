#pragma once
// The head and its loss without ever holding all logits: rows go through in chunks.
//   logits = h W^T (+ bias);  logp = logits[target] - logsumexp(logits)
// h [R, H] (supervised rows only; rows may repeat), W [V, H]. Softmax in fp32 (fp64 for fp64 input).
#include <ATen/core/Tensor.h>

#include "core/nn/weight.h"
#include "core/ports/gradient_sink.h"

namespace hone::nn {

// What the model lends to an objective.
struct Head {
  WeightPtr weight;  // [V, H]
};

// log p(target) of each row, [R] fp32 (fp64).
at::Tensor linear_log_prob(const Head& head, const at::Tensor& h, const at::Tensor& targets);

struct CrossEntropy {
  double loss_sum = 0;   // -sum of logp, unscaled
  at::Tensor d_h;        // [R, H], scaled by grad_scale
};
// Forward and backward in one pass over the chunks; the head's gradient goes to the sink where it is trained.
CrossEntropy linear_cross_entropy(const Head& head, const at::Tensor& h, const at::Tensor& targets,
                                  double grad_scale, GradientSink& sink);

// In place: logits [R, V] become (softmax - onehot) * grad_scale; returns logp [R].
at::Tensor softmax_gradient_aten(at::Tensor& logits, const at::Tensor& targets, double grad_scale);
at::Tensor softmax_gradient_cpu(at::Tensor& logits, const at::Tensor& targets, double grad_scale);

}  // namespace hone::nn
