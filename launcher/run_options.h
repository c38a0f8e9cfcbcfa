#pragma once
// [run] and the sum of all sections.
#include "core/adapter/adapter_options.h"
#include "core/model/model_options.h"
#include "core/objective/objective_options.h"
#include "core/optim/optim_options.h"
#include "core/train/train_options.h"
#include "data/data_options.h"
#include "dist/dist_options.h"

namespace hone {

struct RunOptions {
  static constexpr const char* kSection = "run";
  std::string dir;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("dir", dir,
          {.help = "folder of the run; where empty: runs/<objective>-<date>-<time>",
           .may_change_on_resume = true});
  }
};

struct Config {
  ModelOptions model;
  AdapterOptions adapter;
  ObjectiveOptions objective;
  DataOptions data;
  TrainOptions train;
  OptimOptions optim;
  ScheduleOptions schedule;
  DistOptions dist;
  RunOptions run;

  // visit(section) for each; a section is a struct with kSection and fields().
  template <class Visitor>
  void sections(Visitor&& visit) {
    visit(model), visit(adapter), visit(objective), visit(data), visit(train);
    visit(optim), visit(schedule), visit(dist), visit(run);
  }
};

}  // namespace hone
