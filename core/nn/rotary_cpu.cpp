#include <ATen/ATen.h>

#include "core/nn/cpu_rows.h"
#include "core/nn/rotary.h"

namespace hone::nn {
namespace {

// out may be x.
HONE_CLONES void turn(const float* x, const float* cos, const float* sin, float sign, float* out,
                      std::int64_t half) {
  for (std::int64_t i = 0; i < half; ++i) {
    const float a = x[i], b = x[i + half], s = sin[i] * sign;
    out[i] = a * cos[i] - b * s;
    out[i + half] = b * cos[i] + a * s;
  }
}

}  // namespace

at::Tensor rotate_cpu(const at::Tensor& x, const RotaryTable& table, int sign) {
  const std::int64_t tokens = x.size(0), heads = x.size(1), dim = x.size(2);
  at::Tensor out = at::empty_like(x);
  const float* cos = table.cos.const_data_ptr<float>();
  const float* sin = table.sin.const_data_ptr<float>();
  with_element_type(x, [&]<class T>(T*) {
    const T* in = x.const_data_ptr<T>();
    T* result = out.mutable_data_ptr<T>();
    for_rows(tokens, heads * dim, [&](std::int64_t begin, std::int64_t end) {
      std::vector<float> row(dim);
      for (std::int64_t t = begin; t < end; ++t) {
        for (std::int64_t h = 0; h < heads; ++h) {
          const std::int64_t at = (t * heads + h) * dim;
          float* made = made_in(result + at, row.data());
          turn(as_floats(in + at, row.data(), dim), cos + t * dim / 2, sin + t * dim / 2,
               static_cast<float>(sign), made, dim / 2);
          store_made(made, result + at, dim);
        }
      }
    });
  });
  return out;
}

}  // namespace hone::nn
