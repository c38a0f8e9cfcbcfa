#pragma once
// run.dir: what is written when a run begins and when it ends.
#include "core/model/model.h"
#include "core/train/trainer.h"
#include "data/load/sample_set.h"
#include "launcher/build_data.h"
#include "launcher/command_context.h"

namespace hone::launcher {

// Names the folder where none was given, the same on every rank. All ranks.
void name_run_folder(Config& config, Communicator& communicator);

// Names it, creates it, opens the log files. All ranks; from here on they know that they run the same config.
void open_run_folder(CommandContext& context, Communicator& communicator);

// config.cfg with every auto resolved, run.json and data.json, and a few lines on the console. Rank 0 writes.
void write_run_facts(CommandContext& context, const model::Model& model, const data::SampleSet& samples,
                     std::int64_t rows, const data::TrainingOrder& order);

// Exports what was trained (when finished), writes report.html and status.json; returns the exit code.
int close_run(CommandContext& context, model::Model& model, train::Outcome outcome, const TrainState& state);

}  // namespace hone::launcher
