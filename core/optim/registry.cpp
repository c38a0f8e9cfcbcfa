#include "core/base/registry.h"

#include "core/optim/adafactor.h"
#include "core/optim/adamw.h"
#include "core/optim/adamw_8bit.h"
#include "core/optim/lion.h"
#include "core/optim/optimizer.h"
#include "core/optim/sgd.h"

namespace hone::optim {
namespace {

OptimizerKind kind_of(const OptimOptions& options) {
  return Registry<OptimizerKind>{"optim.name", options.name}
      .entry("adamw", adamw)
      .entry("adamw_8bit", adamw_8bit)
      .entry("adafactor", adafactor)
      .entry("lion", lion)
      .entry("sgd", sgd)
      .build();
}

}  // namespace

OptimizerPtr make_optimizer(const OptimOptions& options, const ArenaLayout& layout,
                            const OwnedShards& owned) {
  return kind_of(options).make(options, layout, owned);
}

OptimizerPtr make_optimizer(const OptimOptions& options, const ArenaLayout& layout) {
  return make_optimizer(options, layout, OwnedShards::everything(layout));
}

std::int64_t granule_of(const OptimOptions& options) { return kind_of(options).granule; }

std::int64_t state_bytes(const OptimOptions& options, const ArenaLayout& layout, std::int64_t owned) {
  std::int64_t bytes = 0;
  for (const StateSpec& spec : kind_of(options).state(options, layout))
    bytes += size_of(spec.type) * (spec.per == StateSpec::kWhole ? spec.count : owned / spec.per);
  return bytes;
}

double effective_lr(const OptimOptions& options, bool adapter) {
  if (options.relative_step) return options.lr.value_or(1.0);
  return options.lr.value_or(adapter ? 2e-4 : 2e-5);
}

double effective_beta2(const OptimOptions& options) {
  return options.beta2.value_or(options.name == "lion" ? 0.99 : 0.999);
}

}  // namespace hone::optim
