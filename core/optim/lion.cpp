#include "core/optim/lion.h"

#include "core/nn/cpu_math.h"
#include "core/optim/parameter_rules.h"
#include "core/optim/state_buffers.h"
#include "core/optim/trained_weights.h"

namespace hone::optim {
namespace {

struct LionCoefficients {
  float beta1, one_minus_beta1, beta2, one_minus_beta2, decay, lr;
};

HONE_CLONES void lion_run(float* w, const float* g, float* m, std::int64_t n, LionCoefficients c) {
  for (std::int64_t i = 0; i < n; ++i) {
    const float direction = c.beta1 * m[i] + c.one_minus_beta1 * g[i];
    const float move = direction > 0 ? c.lr : direction < 0 ? -c.lr : 0.0f;
    w[i] = w[i] * c.decay - move;
    m[i] = c.beta2 * m[i] + c.one_minus_beta2 * g[i];
  }
}

std::vector<StateSpec> state_of(const OptimOptions&, const ArenaLayout& layout) {
  return {{"exp_avg", StateType::f32, 1, layout.size}};
}

class Lion final : public Optimizer {
 public:
  Lion(const OptimOptions& options, const ArenaLayout& layout, const OwnedShards& owned)
      : beta1_(options.beta1),
        beta2_(effective_beta2(options)),
        rules_(parameter_rules(options, layout)),
        state_(state_of(options, layout), owned) {}

  void update(const StepInput& in) override {
    for_parameters(rules_, in.pieces, [&](std::size_t p, const Piece& piece, Range part) {
      const double lr = in.lr * rules_[p].lr_scale;
      const LionCoefficients c{static_cast<float>(beta1_),
                               static_cast<float>(1.0 - beta1_),
                               static_cast<float>(beta2_),
                               static_cast<float>(1.0 - beta2_),
                               static_cast<float>(1.0 - lr * rules_[p].weight_decay),
                               static_cast<float>(lr)};
      edit_weights(in, piece, part, [&](float* w, const float* g, Range at) {
        lion_run(w, g, state_.f32(0, at.begin), at.length(), c);
      });
    });
  }

  std::vector<StateTensor> state() override { return state_.tensors(); }

 private:
  double beta1_, beta2_;
  std::vector<ParameterRule> rules_;
  StateBuffers state_;
};

}  // namespace

OptimizerKind lion() { return {state_of, make_as<Lion>}; }

}  // namespace hone::optim
