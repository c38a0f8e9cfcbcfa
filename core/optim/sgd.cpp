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
  Sgd(const OptimOptions& options, const ArenaLayout& layout, const OwnedShards& owned)
      : momentum_(static_cast<float>(options.momentum)),
        nesterov_(options.nesterov),
        rules_(parameter_rules(options, layout)),
        state_(state_of(options, layout), owned) {
    if (nesterov_ && momentum_ == 0)
      throw Error(Exit::usage, "US041", "setting lacks another", "optim.nesterov",
                  "true, and optim.momentum is 0", "set optim.momentum, for example 0.9");
  }

  void update(const StepInput& in) override {
    for_parameters(rules_, in.pieces, [&](std::size_t p, const Piece& piece, Range part) {
      const float decay = static_cast<float>(rules_[p].weight_decay);
      const float lr = static_cast<float>(in.lr * rules_[p].lr_scale);
      edit_weights(in, piece, part, [&](float* w, const float* g, Range at) {
        if (momentum_ != 0) {
          momentum_run(w, g, state_.f32(0, at.begin), at.length(), decay, momentum_, nesterov_, lr);
        } else {
          sgd_run(w, g, at.length(), decay, lr);
        }
      });
    });
  }

  std::vector<StateTensor> state() override { return state_.tensors(); }

 private:
  float momentum_;
  bool nesterov_;
  std::vector<ParameterRule> rules_;
  StateBuffers state_;
};

}  // namespace

OptimizerKind sgd() { return {state_of, make_as<Sgd>}; }

}  // namespace hone::optim
