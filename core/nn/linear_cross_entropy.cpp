#include "core/nn/linear_cross_entropy.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "core/nn/cpu_rows.h"
#include "core/nn/on_cuda.h"
#include "core/nn/product.h"

namespace hone::nn {
namespace {

// body(rows of h, their targets, first row)
template <class Body>
void for_chunks(const at::Tensor& h, const at::Tensor& targets, Body&& body) {
  for (std::int64_t begin = 0; begin < h.size(0); begin += kHeadRows) {
    const std::int64_t rows = std::min(kHeadRows, h.size(0) - begin);
    body(h.narrow(0, begin, rows), targets.narrow(0, begin, rows), begin);
  }
}

at::ScalarType wide_type(const at::Tensor& x) {
  return x.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
}

at::Tensor softmax_gradient(at::Tensor& logits, const at::Tensor& targets, const at::Tensor& grad_scale,
                            const LossTerms& terms) {
  if (device::has_cuda_kernel(logits)) return softmax_gradient_on_cuda(logits, targets, grad_scale, terms);
  if (has_cpu_kernel(logits)) return softmax_gradient_cpu(logits, targets, grad_scale.item<double>(), terms);
  const at::Tensor losses = softmax_gradient_aten(logits, targets, 1.0, terms);
  logits.mul_(grad_scale);
  return losses;
}

// Of a chunk: dW += d_logits^T h, where W is trained.
void add_head_gradient(const Weight& weight, const at::Tensor& d_logits, const at::Tensor& h,
                       GradientSink& sink) {
  if (!weight.parameter()) return;
  const TrainedRows* some = weight.trained_rows();
  const at::Tensor of_trained = some ? d_logits.index_select(1, some->ids) : d_logits;
  add_product(sink.gradient(*weight.parameter()), of_trained.t(), h);
}

}  // namespace

TokenScores score_targets(const Head& head, const at::Tensor& h, const at::Tensor& targets) {
  const at::Tensor w = head.weight->acquire();
  TokenScores scores{at::empty({h.size(0)}, h.options().dtype(wide_type(h))),
                     at::empty({h.size(0)}, h.options().dtype(at::kBool))};
  for_chunks(h, targets, [&](const at::Tensor& rows, const at::Tensor& wanted, std::int64_t begin) {
    const at::Tensor logits = product(rows, w.t()).to(wide_type(h));
    const at::Tensor picked = logits.gather(1, wanted.unsqueeze(1)).squeeze(1);
    scores.logp.narrow(0, begin, rows.size(0)).copy_(picked - logits.logsumexp(1));
    scores.likeliest.narrow(0, begin, rows.size(0)).copy_(picked.eq(logits.amax(1)));
  });
  return scores;
}

CrossEntropyThere linear_cross_entropy(const Head& head, const at::Tensor& h, const at::Tensor& targets,
                                       const at::Tensor& grad_scale, GradientSink& sink,
                                       const LossTerms& terms) {
  const at::Tensor w = head.weight->acquire();
  CrossEntropyThere result{at::zeros({}, h.options().dtype(at::kDouble)), at::empty_like(h)};
  for_chunks(h, targets, [&](const at::Tensor& rows, const at::Tensor& wanted, std::int64_t begin) {
    at::Tensor logits = product(rows, w.t());
    result.loss_sum.add_(softmax_gradient(logits, wanted, grad_scale, terms).to(at::kDouble).sum());
    at::Tensor d_rows = result.d_h.narrow(0, begin, rows.size(0));
    product_to(d_rows, logits, w);
    add_head_gradient(*head.weight, logits, rows, sink);
  });
  return result;
}

CrossEntropy linear_cross_entropy(const Head& head, const at::Tensor& h, const at::Tensor& targets,
                                  double grad_scale, GradientSink& sink, const LossTerms& terms) {
  const at::Tensor scale = at::full({}, grad_scale, h.options().dtype(h.is_cpu() ? at::kDouble : at::kFloat));
  const CrossEntropyThere there = linear_cross_entropy(head, h, targets, scale, sink, terms);
  return {there.loss_sum.item<double>(), there.d_h};
}

at::Tensor softmax_gradient_aten(at::Tensor& logits, const at::Tensor& targets, double grad_scale,
                                 const LossTerms& terms) {
  const at::Tensor wide = logits.to(wide_type(logits));
  const at::Tensor lse = wide.logsumexp(1, /*keepdim=*/true);
  const at::Tensor index = targets.clamp_min(0).unsqueeze(1), ignored = targets.lt(0).unsqueeze(1);
  const double sure = 1.0 - terms.label_smoothing;
  at::Tensor loss = (lse - wide.gather(1, index)).mul_(sure);
  at::Tensor gradient = (wide - lse).exp_();
  if (terms.z_loss > 0) {
    loss.add_(lse.square(), terms.z_loss);
    gradient.mul_(lse.mul(2 * terms.z_loss).add_(1.0));
  }
  if (terms.label_smoothing > 0) {
    loss.add_(lse - wide.mean(1, /*keepdim=*/true), terms.label_smoothing);
    gradient.sub_(terms.label_smoothing / static_cast<double>(logits.size(1)));
  }
  gradient.scatter_add_(1, index, at::full_like(loss, -sure));
  logits.copy_(gradient.mul_(grad_scale).masked_fill_(ignored, 0));
  return loss.masked_fill_(ignored, 0).squeeze(1);
}

at::Tensor softmax_gradient_cpu(at::Tensor& logits, const at::Tensor& targets, double grad_scale,
                                const LossTerms& terms) {
  const std::int64_t rows = logits.size(0), vocab = logits.size(1);
  at::Tensor losses = at::empty({rows}, at::kFloat);
  const std::int64_t* target = targets.const_data_ptr<std::int64_t>();
  float* out = losses.mutable_data_ptr<float>();
  const auto smoothing = static_cast<float>(terms.label_smoothing), z_loss = static_cast<float>(terms.z_loss);
  const auto everywhere =
      static_cast<float>(-grad_scale * terms.label_smoothing / static_cast<double>(vocab));
  const auto at_target = static_cast<float>(grad_scale * (1.0 - terms.label_smoothing));
  with_element_type(logits, [&]<class T>(T*) {
    T* data = logits.mutable_data_ptr<T>();
    for_rows(rows, vocab, [&](std::int64_t begin, std::int64_t end) {
      std::vector<float> wide(std::is_same_v<T, float> ? 0 : vocab);
      for (std::int64_t r = begin; r < end; ++r) {
        T* stored = data + r * vocab;
        if (target[r] < 0) {
          std::fill_n(stored, vocab, T(0.0f));
          out[r] = 0;
          continue;
        }
        float* row = made_in(stored, wide.data());
        as_floats(stored, row, vocab);
        const float picked = row[target[r]], top = max_of(row, vocab);
        const float mean = smoothing > 0 ? sum_of(row, vocab) / static_cast<float>(vocab) : 0.0f;
        const float sum = exp_and_sum(row, top, vocab);
        const float log_sum = std::log(sum), lse = top + log_sum;  // differences with top first: they cancel
        out[r] = (1.0f - smoothing) * (top - picked + log_sum) + z_loss * lse * lse;
        if (smoothing > 0) out[r] += smoothing * (top - mean + log_sum);
        const double of_softmax = grad_scale * (1.0 + 2.0 * terms.z_loss * lse) / sum;
        scale_shift(row, static_cast<float>(of_softmax), everywhere, vocab);
        row[target[r]] -= at_target;
        store_made(row, stored, vocab);
      }
    });
  });
  return losses;
}

}  // namespace hone::nn
