#include "core/optim/sgd.h"

#include "core/base/error.h"
#include "core/nn/cpu_math.h"
#include "core/optim/parameter_rules.h"
#include "core/optim/state_buffers.h"
#include "core/optim/trained_weights.h"

namespace hone::optim {
namespace {

HONE_CLONES void sgd_run(float* w, const float* g, std::int64_t n, float decay, float lr) {
  for (std::int64_t i = 0; i < n; ++i) w[i] -= lr * (g[i] + decay * w[i]);
}

HONE_CLONES void momentum_run(float* w, const float* g, float* buffer, std::int64_t n, float decay,
                              float momentum, bool nesterov, float lr) {
  for (std::int64_t i = 0; i < n; ++i) {
    const float gradient = g[i] + decay * w[i];
    buffer[i] = momentum * buffer[i] + gradient;
    w[i] -= lr * (nesterov ? gradient + momentum * buffer[i] : buffer[i]);
  }
}

std::vector<StateSpec> state_of(const OptimOptions& options, const ArenaLayout& layout) {
  if (options.momentum == 0) return {};
  return {{"momentum_buffer", StateType::f32, 1, layout.size}};
}

class Sgd final : public Optimizer {
 public:
  Sgd(const OptimOptions& options, const ArenaLayout& layout)
      : momentum_(static_cast<float>(options.momentum)),
        nesterov_(options.nesterov),
        rules_(parameter_rules(options, layout)),
        state_(state_of(options, layout)) {
    if (nesterov_ && momentum_ == 0)
      throw Error(Exit::usage, "US041", "setting lacks another", "optim.nesterov",
                  "true, and optim.momentum is 0", "set optim.momentum, for example 0.9");
  }

  void update(Range range, const StepInput& in) override {
    float* buffer = momentum_ == 0 ? nullptr : state_.f32(0);
    for_parameters(rules_, range, [&](std::size_t p, Range part) {
      const float decay = static_cast<float>(rules_[p].weight_decay);
      const float lr = static_cast<float>(in.lr * rules_[p].lr_scale);
      edit_weights(in, part, [&](float* w, Range at) {
        const float* g = in.gradient + at.begin;
        if (buffer) {
          momentum_run(w, g, buffer + at.begin, at.length(), decay, momentum_, nesterov_, lr);
        } else {
          sgd_run(w, g, at.length(), decay, lr);
        }
      });
    });
  }

  std::vector<StateTensor> state() override { return state_.tensors(); }
  std::int64_t granule() const override { return 64; }

 private:
  float momentum_;
  bool nesterov_;
  std::vector<ParameterRule> rules_;
  StateBuffers state_;
};

}  // namespace

OptimizerKind sgd() {
  return {state_of, make_as<Sgd>};
}

}  // namespace hone::optim
