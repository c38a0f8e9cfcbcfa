#pragma once
// The head and its loss without ever holding all logits: rows go through in chunks.
//   logits = h W^T (+ bias);  logp = logits[target] - logsumexp(logits)
// h [R, H] (supervised rows only; rows may repeat), W [V, H]. Softmax in fp32 (fp64 for fp64 input).
// Trained on is, for a row with logits z [V] and lse = logsumexp(z),
//   (1 - e) (lse - z[target]) + e (lse - mean z) + c lse^2
// e: label smoothing as torch's cross_entropy and transformers' LabelSmoother have it; c: PaLM's z-loss,
// which keeps the normaliser near 1. Both 0 leave -logp.
#include <ATen/core/Tensor.h>

#include "core/nn/weight.h"
#include "core/ports/gradient_sink.h"

namespace hone::nn {

// What the model lends to an objective.
struct Head {
  WeightPtr weight;  // [V, H]
};

constexpr std::int64_t kHeadRows = 256;  // of a chunk

struct TokenScores {
  at::Tensor logp;       // of the target of each row, [R] fp32 (fp64)
  at::Tensor likeliest;  // [R] bool: no token was likelier
};
TokenScores score_targets(const Head& head, const at::Tensor& h, const at::Tensor& targets);

struct LossTerms {
  double label_smoothing = 0;  // e, in [0, 1)
  double z_loss = 0;           // c
};

// Where the model computes, and without waiting for it: the loss sum [] is fp64 there, `grad_scale` a single value there
// (fp32 on CUDA). A row whose target is negative is ignored: its loss and gradient are 0.
struct CrossEntropyThere {
  at::Tensor loss_sum, d_h;
};
CrossEntropyThere linear_cross_entropy(const Head& head, const at::Tensor& h, const at::Tensor& targets,
                                       const at::Tensor& grad_scale, GradientSink& sink,
                                       const LossTerms& terms = {});

struct CrossEntropy {
  double loss_sum = 0;  // unscaled
  at::Tensor d_h;       // [R, H], scaled by grad_scale
};
// Forward and backward in one pass over the chunks; the head's gradient goes to the sink where it is trained.
CrossEntropy linear_cross_entropy(const Head& head, const at::Tensor& h, const at::Tensor& targets,
                                  double grad_scale, GradientSink& sink, const LossTerms& terms = {});

// In place: logits [R, V] become grad_scale times the gradient of their row's loss,
//   (1 + 2 c lse) softmax - (1 - e) onehot - e / V;
// returns the losses [R], fp32 (fp64).
at::Tensor softmax_gradient_aten(at::Tensor& logits, const at::Tensor& targets, double grad_scale,
                                 const LossTerms& terms = {});
at::Tensor softmax_gradient_cpu(at::Tensor& logits, const at::Tensor& targets, double grad_scale,
                                const LossTerms& terms = {});

}  // namespace hone::nn
