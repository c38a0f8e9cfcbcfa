#include "core/optim/adamw.h"

#include <cmath>

#include "core/nn/cpu_math.h"
#include "core/optim/state_buffers.h"
#include "core/optim/trained_weights.h"

namespace hone::optim {
namespace {

std::vector<StateSpec> state_of(const OptimOptions&, const ArenaLayout& layout) {
  return {{"exp_avg", StateType::f32, 1, layout.size}, {"exp_avg_sq", StateType::f32, 1, layout.size}};
}

class AdamW final : public Optimizer {
 public:
  AdamW(const OptimOptions& options, const ArenaLayout& layout, const OwnedShards& owned)
      : options_(options),
        rules_(parameter_rules(options, layout)),
        state_(state_of(options, layout), owned) {}

  void update(const StepInput& in) override {
    for_parameters(rules_, in.pieces, [&](std::size_t p, const Piece& piece, Range part) {
      const AdamCoefficients c = adam_coefficients(options_, rules_[p], in);
      edit_weights(in, piece, part, [&](float* w, const float* g, Range at) {
        adam_run(w, g, state_.f32(0, at.begin), state_.f32(1, at.begin), at.length(), c);
      });
    });
  }

  std::vector<StateTensor> state() override { return state_.tensors(); }

 private:
  OptimOptions options_;
  std::vector<ParameterRule> rules_;
  StateBuffers state_;
};

}  // namespace

AdamCoefficients adam_coefficients(const OptimOptions& options, const ParameterRule& rule,
                                   const StepInput& in) {
  const double t = static_cast<double>(in.step), lr = in.lr * rule.lr_scale, beta2 = effective_beta2(options);
  AdamCoefficients c{};
  // Complements in double: 1 - beta2 taken in fp32 would be off by 5e-5.
  c.one_minus_beta1 = static_cast<float>(1.0 - options.beta1);
  c.beta2 = static_cast<float>(beta2);
  c.one_minus_beta2 = static_cast<float>(1.0 - beta2);
  c.eps = static_cast<float>(options.eps);
  c.decay = static_cast<float>(1.0 - lr * rule.weight_decay);
  c.step_size = static_cast<float>(lr / (1.0 - std::pow(options.beta1, t)));
  c.inverse_root_correction2 = static_cast<float>(1.0 / std::sqrt(1.0 - std::pow(beta2, t)));
  return c;
}

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

OptimizerKind adamw() { return {state_of, make_as<AdamW>}; }

}  // namespace hone::optim
