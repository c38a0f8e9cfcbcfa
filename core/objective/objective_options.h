#pragma once
// [objective]: what is optimised.
#include "core/base/fields.h"

namespace hone {

struct ObjectiveOptions {
  static constexpr const char* kSection = "objective";
  std::string name = "sft";
  double label_smoothing = 0;
  double z_loss = 0;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("name", name, {.help = "training objective", .choices = {"sft"}});
    visit("label_smoothing", label_smoothing,
          {.help = "share of each target spread evenly over the vocabulary; training only",
           .min = 0,
           .max = 0.999});
    visit("z_loss", z_loss,
          {.help = "weight of the squared log of softmax's normaliser, as in PaLM (1e-4); training only",
           .min = 0});
  }
};

}  // namespace hone
