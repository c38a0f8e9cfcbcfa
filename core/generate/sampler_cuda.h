#pragma once
// The next token of each row of logits on a CUDA device, as core/generate/sampler.h and logit_processors.h
// define it, but for the repetition penalty, which the logits must have had already. Device pointers; queued
// on `stream`. Probabilities are summed in fixed point, hence in any order to the same bits; they differ from
// the CPU's by about 1e-7, so that a draw differs where the uniform number falls that close to a boundary.
// Error CU001 without a device, CU002 on a failed launch.
#include <cstdint>

#include "core/cuda/float_type.h"

namespace hone::generate {

struct SampleArgs {
  CudaFloat type = CudaFloat::fp32;
  std::int64_t rows = 0, vocab = 0;  // vocab > 0
  const void* logits = nullptr;      // [rows, vocab]
  double temperature = 0;            // 0: the likeliest, the lowest id among equals
  std::int64_t top_k = 0;            // 0: all
  double top_p = 1;
  double min_p = 0;
  const double* uniform = nullptr;  // [rows], in [0, 1); unused at temperature 0
  std::int32_t* ids = nullptr;      // [rows]
};
void sample_cuda(const SampleArgs& args, void* stream);

}  // namespace hone::generate
