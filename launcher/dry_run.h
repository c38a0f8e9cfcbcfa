#pragma once
// hone train --dry-run: all that train does before its first step, and nothing that stays.
#include "core/ports/communicator.h"
#include "launcher/command_context.h"

namespace hone::launcher {

// Prints the effective config (standard error), then the plan and the memory of a rank (one JSON object on standard
// output), or throws what train would throw. Rows that are not prepared yet are, in a temporary folder that is removed
// again. All ranks.
int dry_run(CommandContext& context, Communicator& communicator);

}  // namespace hone::launcher
