#include <ATen/ATen.h>

#include <cmath>

#include "core/nn/cpu_rows.h"
#include "core/nn/rms_norm.h"

namespace hone::nn {
namespace {

HONE_CLONES void add_rows(const float* a, const float* b, float* sum, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) sum[i] = a[i] + b[i];
}

HONE_CLONES void scale_by_weight(const float* x, const float* weight, float rstd, float* out,
                                 std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) out[i] = x[i] * rstd * weight[i];
}

// d_x = rstd (g - x_hat mean(g x_hat)) with g = dy weight, x_hat = x rstd.
HONE_CLONES void norm_gradient(const float* g, const float* x, float rstd, float mean_gx, float* d_x,
                               std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) d_x[i] = rstd * (g[i] - x[i] * rstd * mean_gx);
}

HONE_CLONES void accumulate_weight_gradient(const float* dy, const float* x, float rstd, float* d_weight,
                                            std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) d_weight[i] += dy[i] * x[i] * rstd;
}

at::Tensor wide(const at::Tensor& weight) { return weight.to(at::kFloat).contiguous(); }

}  // namespace

RmsNormForward rms_norm_forward_cpu(const at::Tensor& x, const at::Tensor& delta, const at::Tensor& weight,
                                    double eps) {
  const std::int64_t width = x.size(-1), rows = x.numel() / width;
  const at::Tensor delta_rows = delta.defined() ? delta.contiguous() : delta;
  RmsNormForward out;
  out.sum = delta.defined() ? at::empty_like(x) : x;
  out.normed = at::empty_like(x);
  out.rstd = at::empty({rows}, x.options().dtype(at::kFloat));
  const at::Tensor w = wide(weight);
  with_element_type(x, [&]<class T>(T*) {
    const T* in = x.const_data_ptr<T>();
    const T* add = delta.defined() ? delta_rows.const_data_ptr<T>() : nullptr;
    T* sum = delta.defined() ? out.sum.mutable_data_ptr<T>() : nullptr;
    T* normed = out.normed.mutable_data_ptr<T>();
    float* rstd = out.rstd.mutable_data_ptr<float>();
    for_rows(rows, width, [&](std::int64_t begin, std::int64_t end) {
      std::vector<float> wide(width), other(width);
      for (std::int64_t r = begin; r < end; ++r) {
        const float* row = as_floats(in + r * width, wide.data(), width);
        if (add) {
          float* made = made_in(sum + r * width, wide.data());
          add_rows(row, as_floats(add + r * width, other.data(), width), made, width);
          store_made(made, sum + r * width, width);
          row = as_floats(sum + r * width, wide.data(), width);  // what backward will read, rounded alike
        }
        rstd[r] = 1.0f / std::sqrt(dot(row, row, width) / width + static_cast<float>(eps));
        float* made = made_in(normed + r * width, other.data());
        scale_by_weight(row, w.const_data_ptr<float>(), rstd[r], made, width);
        store_made(made, normed + r * width, width);
      }
    });
  });
  return out;
}

at::Tensor rms_norm_backward_cpu(const at::Tensor& d_sum, const at::Tensor& d_normed, const at::Tensor& sum,
                                 const at::Tensor& rstd, const at::Tensor& weight, at::Tensor d_weight) {
  const std::int64_t width = sum.size(-1), rows = sum.numel() / width;
  const at::Tensor w = wide(weight), dy_rows = d_normed.contiguous();
  const at::Tensor residual_rows = d_sum.defined() ? d_sum.contiguous() : d_sum;
  at::Tensor d_x = at::empty_like(sum);
  with_element_type(sum, [&]<class T>(T*) {
    const T* dy = dy_rows.const_data_ptr<T>();
    const T* x = sum.const_data_ptr<T>();
    const T* residual = d_sum.defined() ? residual_rows.const_data_ptr<T>() : nullptr;
    const float* r = rstd.const_data_ptr<float>();
    T* out = d_x.mutable_data_ptr<T>();
    for_rows(rows, width, [&](std::int64_t begin, std::int64_t end) {
      std::vector<float> wide(width), g(width);
      for (std::int64_t t = begin; t < end; ++t) {
        const float* row = as_floats(x + t * width, wide.data(), width);
        scale_by_weight(as_floats(dy + t * width, g.data(), width), w.const_data_ptr<float>(), 1.0f, g.data(),
                        width);
        const float mean_gx = dot(g.data(), row, width) * r[t] / width;
        float* made = made_in(out + t * width, wide.data());
        norm_gradient(g.data(), row, r[t], mean_gx, made, width);
        if (residual) add_rows(as_floats(residual + t * width, g.data(), width), made, made, width);
        store_made(made, out + t * width, width);
      }
    });
    if (!d_weight.defined()) return;
    std::vector<float> row(width), g(width);
    for (std::int64_t t = 0; t < rows; ++t)  // one thread: a fixed order of additions
      accumulate_weight_gradient(as_floats(dy + t * width, g.data(), width),
                                 as_floats(x + t * width, row.data(), width), r[t],
                                 d_weight.mutable_data_ptr<float>(), width);
  });
  return d_x;
}

}  // namespace hone::nn
