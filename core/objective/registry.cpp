#include "core/base/registry.h"

#include "core/objective/objective.h"
#include "core/objective/sft.h"

namespace hone::objective {

ObjectivePtr make_objective(const ObjectiveOptions& options) {
  return Registry<ObjectivePtr>{"objective.name", options.name}
      .entry("sft",
             [&] {
               return make_sft({options.label_smoothing, options.z_loss});
             })
      .build();
}

}  // namespace hone::objective
