#pragma once
// The loss of a chunk of logits on a CUDA device, as core/nn/linear_cross_entropy.h defines it: one pass
// finds maximum and sum online, one writes the gradient in place. Device pointers; queued on `stream`. A row
// whose target is negative is ignored: its loss, logp and gradient are 0 (the padded tail of a captured
// graph). Error CU001 without a device, CU002 on a failed launch.
#include <cstdint>

#include "core/cuda/float_type.h"

namespace hone::nn {

struct LogitsArgs {
  CudaFloat type = CudaFloat::fp32;
  std::int64_t rows = 0, vocab = 0;
  void* logits = nullptr;                 // [rows, vocab] contiguous
  const std::int64_t* targets = nullptr;  // [rows]
  float* logp = nullptr;                  // [rows]: log p(target); null: not wanted
  float* loss = nullptr;                  // [rows]: the loss, terms below included; null: not wanted
  float label_smoothing = 0;              // e
  float z_loss = 0;                       // c
};
// loss = lse - (1 - e) z[target] - e mean(z) + c lse^2; logits z become its gradient
// (1 + 2 c lse) softmax - (1 - e) onehot - e / vocab times *grad_scale, which lies in device memory: a
// captured graph replays with a new one.
void softmax_gradient_cuda(const LogitsArgs& args, const float* grad_scale, void* stream);
// logp and loss alone; logits stay.
void log_prob_cuda(const LogitsArgs& args, void* stream);

}  // namespace hone::nn
