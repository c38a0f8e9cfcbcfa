#pragma once
// [optim] and [schedule]: how the weights move.
#include <optional>

#include "core/base/fields.h"

namespace hone {

struct OptimOptions {
  static constexpr const char* kSection = "optim";
  std::string name = "adamw";
  std::optional<double> lr;
  double weight_decay = 0;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double max_grad_norm = 1.0;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("name", name, {.help = "optimizer", .choices = {"adamw"}});
    visit("lr", lr, {.help = "peak learning rate; auto: 2e-4 with an adapter, 2e-5 without", .min = 0});
    visit("weight_decay", weight_decay, {.help = "decoupled weight decay; norms and biases are skipped", .min = 0});
    visit("beta1", beta1, {.help = "decay of the first moment", .min = 0, .max = 0.999999});
    visit("beta2", beta2, {.help = "decay of the second moment", .min = 0, .max = 0.9999999});
    visit("eps", eps, {.help = "added to the root of the second moment", .min = 0});
    visit("max_grad_norm", max_grad_norm, {.help = "global-norm clipping; 0: off", .min = 0});
  }
};

struct ScheduleOptions {
  static constexpr const char* kSection = "schedule";
  std::string name = "linear";
  std::int64_t warmup_steps = 0;
  double warmup_ratio = 0;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("name", name, {.help = "shape of the learning rate", .choices = {"constant", "linear", "cosine"}});
    visit("warmup_steps", warmup_steps, {.help = "steps of linear warm-up from 0", .unit = "steps", .min = 0});
    visit("warmup_ratio", warmup_ratio,
          {.help = "warm-up as a share of all steps, where warmup_steps is 0", .min = 0, .max = 1});
  }
};

}  // namespace hone
