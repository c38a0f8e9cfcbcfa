#pragma once
// [objective]: what is optimised.
#include "core/base/fields.h"

namespace hone {

struct ObjectiveOptions {
  static constexpr const char* kSection = "objective";
  std::string name = "sft";

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("name", name, {.help = "training objective", .choices = {"sft"}});
  }
};

}  // namespace hone
