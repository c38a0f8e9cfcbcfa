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
  std::optional<double> beta2;
  double eps = 1e-8;
  double max_grad_norm = 1.0;
  bool paged = false;
  double loraplus_lr_ratio = 1;
  double momentum = 0;
  bool nesterov = false;
  double clip_threshold = 1.0;
  double decay_rate = -0.8;
  bool scale_parameter = false;
  bool relative_step = false;
  bool warmup_init = false;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("name", name,
          {.help = "optimizer", .choices = {"adamw", "adamw_8bit", "adafactor", "lion", "sgd"}});
    visit("lr", lr,
          {.help = "peak learning rate; auto: 2e-4 with an adapter, 2e-5 without, 1 with relative_step",
           .min = 0});
    visit("weight_decay", weight_decay,
          {.help = "decoupled weight decay (sgd: added to the gradient); norms and biases are skipped",
           .min = 0});
    visit("beta1", beta1,
          {.help = "decay of the first moment",
           .only = {"adamw", "adamw_8bit", "lion"},
           .min = 0,
           .max = 0.999999});
    visit("beta2", beta2,
          {.help = "decay of the second moment, auto: 0.999; lion: of the only one, auto: 0.99",
           .only = {"adamw", "adamw_8bit", "lion"},
           .min = 0,
           .max = 0.9999999});
    visit("eps", eps,
          {.help = "added to the root of the second moment", .only = {"adamw", "adamw_8bit"}, .min = 0});
    visit("paged", paged,
          {.help = "on a GPU: keep the state in pinned host memory, read and written over the bus each step",
           .only = {"adamw"}});
    visit("max_grad_norm", max_grad_norm, {.help = "global-norm clipping; 0: off", .min = 0});
    visit("loraplus_lr_ratio", loraplus_lr_ratio,
          {.help = "LoRA+: learning rate of lora_B and vectors over that of the rest", .min = 0});
    visit("momentum", momentum,
          {.help = "momentum; 0: none, and no state", .only = {"sgd"}, .min = 0, .max = 0.999999});
    visit("nesterov", nesterov, {.help = "Nesterov's momentum", .only = {"sgd"}});
    visit("clip_threshold", clip_threshold,
          {.help = "largest root mean square of an update", .only = {"adafactor"}, .min = 1e-6});
    visit(
        "decay_rate", decay_rate,
        {.help = "the running means forget as step^decay_rate", .only = {"adafactor"}, .min = -10, .max = 0});
    visit("scale_parameter", scale_parameter,
          {.help = "multiply the learning rate by each weight's root mean square", .only = {"adafactor"}});
    visit("relative_step", relative_step,
          {.help = "learning rate min(1e-2, 1/sqrt(step)) times lr, in place of the schedule",
           .only = {"adafactor"}});
    visit("warmup_init", warmup_init,
          {.help = "with relative_step: begin with 1e-6 times step", .only = {"adafactor"}});
  }
};

struct ScheduleOptions {
  static constexpr const char* kSection = "schedule";
  std::string name = "linear";
  std::int64_t warmup_steps = 0;
  double warmup_ratio = 0;
  std::optional<double> num_cycles;
  double power = 1.0;
  double lr_end = 1e-7;
  double min_lr_ratio = 0;
  std::optional<std::int64_t> step_size;
  std::optional<double> gamma;
  std::optional<std::int64_t> timescale;
  std::optional<std::int64_t> num_decay_steps;
  std::string warmup_type = "linear";
  std::string decay_type = "cosine";

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("name", name,
          {.help = "shape of the learning rate after warm-up",
           .choices = {"constant", "constant_with_warmup", "linear", "cosine", "cosine_with_restarts",
                       "cosine_with_min_lr", "polynomial", "step", "exponential", "inverse_sqrt",
                       "warmup_stable_decay"}});
    visit("warmup_steps", warmup_steps, {.help = "steps of warm-up from 0", .unit = "steps", .min = 0});
    visit("warmup_ratio", warmup_ratio,
          {.help = "warm-up as a share of all steps, where warmup_steps is 0", .min = 0, .max = 1});
    visit("num_cycles", num_cycles,
          {.help = "waves of a cosine, auto: 0.5; cosine_with_restarts: falls, auto: 1",
           .only = {"cosine", "cosine_with_restarts", "cosine_with_min_lr", "warmup_stable_decay"},
           .min = 0});
    visit("power", power, {.help = "exponent of the share of steps left", .only = {"polynomial"}, .min = 0});
    visit("lr_end", lr_end, {.help = "learning rate at the end", .only = {"polynomial"}, .min = 0});
    visit("min_lr_ratio", min_lr_ratio,
          {.help = "lowest rate, as a share of the peak",
           .only = {"cosine_with_min_lr", "warmup_stable_decay"},
           .min = 0,
           .max = 1});
    visit("step_size", step_size,
          {.help = "steps from one fall to the next", .unit = "steps", .only = {"step"}, .min = 1});
    visit("gamma", gamma,
          {.help = "factor of a fall, every step_size steps or every step; step's auto: 0.1",
           .only = {"step", "exponential"},
           .min = 0,
           .max = 1});
    visit("timescale", timescale,
          {.help = "auto: the steps of warm-up, else 10000",
           .unit = "steps",
           .only = {"inverse_sqrt"},
           .min = 1});
    visit("num_decay_steps", num_decay_steps,
          {.help = "length of the fall, at the end; auto: a tenth of all steps",
           .unit = "steps",
           .only = {"warmup_stable_decay"},
           .min = 0});
    visit("warmup_type", warmup_type,
          {.help = "shape of the warm-up",
           .choices = {"linear", "cosine", "1-sqrt"},
           .only = {"warmup_stable_decay"}});
    visit("decay_type", decay_type,
          {.help = "shape of the fall",
           .choices = {"linear", "cosine", "1-sqrt"},
           .only = {"warmup_stable_decay"}});
  }
};

}  // namespace hone
