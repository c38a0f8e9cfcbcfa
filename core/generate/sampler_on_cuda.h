#pragma once
// sampler.h for logits that lie on a CUDA device: they stay there, the ids alone come to the host.
#include <ATen/core/Tensor.h>

#include <span>
#include <vector>

#include "core/generate/sampler.h"

namespace hone::generate {

// The next id of each row of logits [R, V]; device::has_cuda_kernel(logits) holds.
std::vector<std::int32_t> sample_on_cuda(const at::Tensor& logits, std::span<const Seen> seen,
                                         const SamplerSettings& settings, std::span<const Draw> draws);

// As the processor of that name, on any device. logits are fp32 and overwritten.
void penalise_repetition(at::Tensor logits, std::span<const Seen> seen, double penalty);

}  // namespace hone::generate
