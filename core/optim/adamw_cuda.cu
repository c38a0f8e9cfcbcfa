#include "core/cuda/kernel.cuh"
#include "core/optim/adamw_cuda.h"

namespace hone::optim {
namespace {

constexpr unsigned kThreads = 256;
constexpr int kRun = 4;  // elements of a thread; a granule is a multiple

template <class View>
__global__ void __launch_bounds__(kThreads) adamw(AdamWArgs a, bool whole) {
  const std::int64_t at = (std::int64_t{blockIdx.x} * kThreads + threadIdx.x) * kRun;
  if (at >= a.elements) return;
  const std::int64_t count = a.elements - at;
  const AdamWGroup group = a.groups[a.group_of ? a.group_of[at / kAdamWGranule] : 0];
  float w[kRun], g[kRun], m[kRun], v[kRun];
  cuda::load(a.weights + at, count, whole, w);
  cuda::load(a.gradient + at, count, whole, g);
  cuda::load(a.exp_avg + at, count, whole, m);
  cuda::load(a.exp_avg_sq + at, count, whole, v);
#pragma unroll
  for (int i = 0; i < kRun; ++i) {
    m[i] += a.one_minus_beta1 * (g[i] - m[i]);
    v[i] = a.beta2 * v[i] + a.one_minus_beta2 * g[i] * g[i];
    const float denominator = sqrtf(v[i]) * a.inverse_root_correction2 + a.eps;
    w[i] = w[i] * group.decay - group.step_size * (m[i] / denominator);
  }
  cuda::store(w, count, whole, a.weights + at);
  cuda::store(m, count, whole, a.exp_avg + at);
  cuda::store(v, count, whole, a.exp_avg_sq + at);
  if (a.view) cuda::store(w, count, whole, static_cast<View*>(a.view) + at);
}

}  // namespace

void adamw_cuda(const AdamWArgs& a, void* stream) {
  if (a.elements == 0) return;
  cuda::with_type(a.view_type, [&]<class View>(View) {
    cuda::launch("adamw_cuda", adamw<View>, dim3(cuda::blocks_for(a.elements, kThreads * kRun)), kThreads,
                 stream, a, cuda::aligned({a.weights, a.gradient, a.exp_avg, a.exp_avg_sq, a.view}));
  });
}

}  // namespace hone::optim
