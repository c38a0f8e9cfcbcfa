#pragma once
// [dist]: how ranks work together.
#include "core/base/fields.h"

namespace hone {

struct DistOptions {
  static constexpr const char* kSection = "dist";
  std::string backend = "auto";
  std::int64_t zero = 0;
  std::string deterministic = "none";
  double timeout_s = 600;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("backend", backend,
          {.help = "communication", .choices = {"auto", "mpi"}, .may_change_on_resume = true});
    visit("zero", zero,
          {.help = "ZeRO stage: what ranks share out; train replicates (0), plan knows all",
           .min = 0,
           .max = 3,
           .may_change_on_resume = true});
    visit("deterministic", deterministic,
          {.help = "reduction order", .choices = {"none"}, .may_change_on_resume = true});
    visit("timeout_s", timeout_s,
          {.help = "a peer silent for longer ends the run",
           .unit = "s",
           .min = 1,
           .may_change_on_resume = true});
  }
};

}  // namespace hone
