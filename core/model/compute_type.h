#pragma once
// The compute type and device a run gets.
#include <ATen/core/Tensor.h>

#include <string>

#include "core/model/model_options.h"

namespace hone::model {

// "bf16", "fp16", "fp32" -> type.
at::ScalarType compute_type(const std::string& dtype);

// model.device resolved, and LibTorch's CUDA half loaded where it is "cuda". auto: cuda for a run of one rank where a GPU
// is. Error(Exit::usage) CU001 to CU004 where there is none to compute on.
std::string resolve_device(const ModelOptions& options, int ranks);

// model.dtype = auto on a CPU: "bf16" or "fp32", whichever multiplies a matrix of this model's size (or one large enough
// to be measured) faster here, with the speeds seen. A measurement: ask one rank and share the answer.
struct DtypeProbe {
  double fp32_gflops = 0, bf16_gflops = 0;
  // bf16 has to be clearly faster: what it costs in precision should not hang on a measurement's noise.
  std::string faster() const { return bf16_gflops > 1.1 * fp32_gflops ? "bf16" : "fp32"; }
};
DtypeProbe probe_dtypes(std::int64_t rows, std::int64_t in, std::int64_t out);

}  // namespace hone::model
