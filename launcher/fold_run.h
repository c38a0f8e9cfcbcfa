#pragma once
// k-fold cross-validation: hone train with train.folds.
#include "core/ports/communicator.h"
#include "launcher/command_context.h"

namespace hone::launcher {

// Trains each fold in run.dir/fold-N (gone on with like any run), evaluates it on its held-out rows, and
// writes run.dir/folds.json and report.html; the former's content goes to standard output too. Returns the
// exit code: that of a fold that stopped, or 0. All ranks; the run's folder must be open.
int run_folds(CommandContext& context, Communicator& communicator);

}  // namespace hone::launcher
