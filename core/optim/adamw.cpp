#include "core/optim/adamw.h"

#include <algorithm>
#include <cmath>

#include "core/nn/cpu_math.h"

namespace hone::optim {
namespace {

struct AdamCoefficients {
  float one_minus_beta1, beta2, one_minus_beta2, eps, decay, step_size, inverse_root_correction2;
};

HONE_CLONES void adam_run(float* w, const float* g, float* m, float* v, std::int64_t n, AdamCoefficients c) {
  for (std::int64_t i = 0; i < n; ++i) {
    const float moment = m[i] + c.one_minus_beta1 * (g[i] - m[i]);
    const float square = c.beta2 * v[i] + c.one_minus_beta2 * g[i] * g[i];
    m[i] = moment;
    v[i] = square;
    const float denominator = std::sqrt(square) * c.inverse_root_correction2 + c.eps;
    w[i] = w[i] * c.decay - c.step_size * (moment / denominator);
  }
}

class AdamW final : public Optimizer {
 public:
  AdamW(const OptimOptions& options, const ArenaLayout& layout)
      : options_(options), parameters_(layout.parameters), m_(layout.size, 0.0f), v_(layout.size, 0.0f) {}

  void update(Range range, std::span<float> weights, std::span<const float> gradient, std::int64_t step,
              double lr) override {
    const double t = static_cast<double>(step);
    AdamCoefficients c{};
    // Complements in double: 1 - beta2 taken in fp32 would be off by 5e-5.
    c.one_minus_beta1 = static_cast<float>(1.0 - options_.beta1);
    c.beta2 = static_cast<float>(options_.beta2);
    c.one_minus_beta2 = static_cast<float>(1.0 - options_.beta2);
    c.eps = static_cast<float>(options_.eps);
    c.step_size = static_cast<float>(lr / (1.0 - std::pow(options_.beta1, t)));
    c.inverse_root_correction2 = static_cast<float>(1.0 / std::sqrt(1.0 - std::pow(options_.beta2, t)));
    for (const ParameterSlice& parameter : parameters_) {
      const std::int64_t begin = std::max(range.begin, parameter.range.begin);
      const std::int64_t end = std::min(range.end, parameter.range.end);
      if (begin >= end) continue;
      c.decay = parameter.decay ? static_cast<float>(1.0 - lr * options_.weight_decay) : 1.0f;
      adam_run(&weights[begin], &gradient[begin], &m_[begin], &v_[begin], end - begin, c);
    }
  }

  std::vector<StateTensor> state() override { return {{"exp_avg", m_}, {"exp_avg_sq", v_}}; }
  std::int64_t granule() const override { return 64; }

 private:
  OptimOptions options_;
  std::vector<ParameterSlice> parameters_;
  std::vector<float> m_, v_;
};

}  // namespace

OptimizerPtr make_adamw(const OptimOptions& options, const ArenaLayout& layout) {
  return std::make_unique<AdamW>(options, layout);
}

}  // namespace hone::optim
