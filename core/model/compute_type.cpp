#include "core/model/compute_type.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <chrono>

#include "core/base/error.h"
#include "core/cuda/device.h"
#include "core/device/load_cuda.h"

namespace hone::model {
namespace {

double gflops(std::int64_t rows, std::int64_t in, std::int64_t out, at::ScalarType type) {
  const at::Tensor x = at::ones({rows, in}, type), w = at::ones({out, in}, type);
  double best = 0;
  for (int repeat = 0; repeat < 6; ++repeat) {
    const auto begin = std::chrono::steady_clock::now();
    at::mm(x, w.t());
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    best = std::max(best, 2e-9 * static_cast<double>(rows * in * out) / seconds.count());
  }
  return best;
}

}  // namespace

at::ScalarType compute_type(const std::string& dtype) {
  if (dtype == "bf16") return at::kBFloat16;
  if (dtype == "fp16") return at::kHalf;
  HONE_CHECK(dtype == "fp32");
  return at::kFloat;
}

std::string resolve_device(const ModelOptions& options, int ranks) {
  const bool chosen = options.device == "auto" && ranks == 1 && cuda::device_count() > 0;
  if (options.device != "cuda" && !chosen) return "cpu";
  device::load_cuda();
  return "cuda";
}

DtypeProbe probe_dtypes(std::int64_t rows, std::int64_t in, std::int64_t out) {
  constexpr std::int64_t kMeasurable = 512;
  in = std::max(in, kMeasurable);
  out = std::max(out, kMeasurable);
  return {gflops(rows, in, out, at::kFloat), gflops(rows, in, out, at::kBFloat16)};
}

}  // namespace hone::model
