#pragma once
// [dist]: how ranks work together.
#include "core/base/fields.h"

namespace hone {

struct DistOptions {
  static constexpr const char* kSection = "dist";
  std::string backend = "auto";
  std::int64_t zero = 0;
  std::int64_t shard_ranks = 0;
  std::string deterministic = "none";
  double timeout_s = 600;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("backend", backend,
          {.help = "what carries device memory between ranks; auto: nccl on GPUs, else mpi",
           .choices = {"auto", "mpi", "nccl"},
           .may_change_on_resume = true});
    visit(
        "zero", zero,
        {.help =
             "ZeRO stage: ranks share the optimizer's state (1), gradients too (2), weights too (3); 0: each "
             "has all",
         .min = 0,
         .max = 3,
         .may_change_on_resume = true});
    visit("shard_ranks", shard_ranks,
          {.help = "ranks that share one copy under ZeRO, such as those of a node; other groups hold the "
                   "same; 0: all",
           .min = 0,
           .may_change_on_resume = true});
    visit("deterministic", deterministic,
          {.help = "order of sums: tree gives the same bits on 1, 2, 4, ... ranks and at every ZeRO stage",
           .choices = {"none", "tree"},
           .may_change_on_resume = true});
    visit("timeout_s", timeout_s,
          {.help = "a peer silent for longer ends the run",
           .unit = "s",
           .min = 1,
           .may_change_on_resume = true});
  }
};

}  // namespace hone
