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
          {.help = "what carries device memory between ranks; auto: nccl on GPUs, else mpi",
           .choices = {"auto", "mpi", "nccl"},
           .may_change_on_resume = true});
    visit("zero", zero,
          {.help = "ZeRO stage; this version replicates (0)",
           .min = 0,
           .max = 0,
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
