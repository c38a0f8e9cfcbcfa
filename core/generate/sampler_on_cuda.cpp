#include "core/generate/sampler_on_cuda.h"

#include <ATen/ATen.h>

#include <set>

#include "core/device/device.h"
#include "core/device/upload.h"
#include "core/generate/sampler_cuda.h"

namespace hone::generate {
void penalise_repetition(at::Tensor logits, std::span<const Seen> seen, double penalty) {
  std::vector<std::int64_t> places;  // in the flat matrix, each once
  for (std::size_t row = 0; row < seen.size(); ++row)
    for (const std::int32_t id : std::set(seen[row].begin(), seen[row].end()))
      places.push_back(static_cast<std::int64_t>(row) * logits.size(1) + id);
  const at::Tensor index = device::upload(places, logits.device());
  at::Tensor flat = logits.view({-1});
  const at::Tensor picked = flat.index_select(0, index);
  flat.index_copy_(0, index, at::where(picked.lt(0), picked * penalty, picked / penalty));
}

std::vector<std::int32_t> sample_on_cuda(const at::Tensor& logits, std::span<const Seen> seen,
                                         const SamplerSettings& settings, std::span<const Draw> draws) {
  at::Tensor rows = logits.contiguous();
  if (settings.repetition_penalty != 1) {
    rows = rows.to(at::kFloat, /*non_blocking=*/false, /*copy=*/true);
    penalise_repetition(rows, seen, settings.repetition_penalty);
  }
  std::vector<double> uniforms;
  for (const Draw& draw : draws) uniforms.push_back(uniform(settings, draw));
  const at::Tensor there = device::upload(uniforms, rows.device());
  at::Tensor ids = at::empty({rows.size(0)}, rows.options().dtype(at::kInt));
  sample_cuda({.type = device::cuda_float(rows.scalar_type()),
               .rows = rows.size(0),
               .vocab = rows.size(1),
               .logits = rows.const_data_ptr(),
               .temperature = settings.temperature,
               .top_k = settings.top_k,
               .top_p = settings.top_p,
               .min_p = settings.min_p,
               .uniform = there.const_data_ptr<double>(),
               .ids = ids.mutable_data_ptr<std::int32_t>()},
              device::stream_on(rows.device()));
  const at::Tensor here = ids.cpu();
  return {here.const_data_ptr<std::int32_t>(), here.const_data_ptr<std::int32_t>() + here.numel()};
}

}  // namespace hone::generate
