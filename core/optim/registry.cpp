#include "core/base/registry.h"
#include "core/optim/adamw.h"
#include "core/optim/optimizer.h"

namespace hone::optim {

OptimizerPtr make_optimizer(const OptimOptions& options, const ArenaLayout& layout) {
  return Registry<OptimizerPtr>{"optim.name", options.name}
      .entry("adamw", [&] { return make_adamw(options, layout); })
      .build();
}

double effective_lr(const OptimOptions& options, bool adapter) { return options.lr.value_or(adapter ? 2e-4 : 2e-5); }

}  // namespace hone::optim
