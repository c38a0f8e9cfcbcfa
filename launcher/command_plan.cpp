// hone plan: what a training run will take, before there are ranks, data or weights for it.
#include "launcher/command_context.h"
#include "launcher/commands.h"
#include "launcher/run_plan.h"
#include "launcher/train_rules.h"

namespace hone::launcher {

int run_plan(CommandContext& context) {
  context.require("model.path");
  if (context.session.rank() > 0) return 0;
  const RunPlan plan = plan_run(context.config(), context.options<PlanOptions>());
  for (const std::string& line : lines_of(plan)) context.log.info("{}", line);
  if (!plan.fits())
    context.log.warning("a rank has {:.1f} GiB: too little", static_cast<double>(plan.memory) / (1 << 30));
  context.out.json(to_json(plan));
  return 0;
}

}  // namespace hone::launcher
