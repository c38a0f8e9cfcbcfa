#pragma once
// [train]: how long, in which portions, and when to look and to save.
#include <optional>

#include "core/base/fields.h"

namespace hone {

struct TrainOptions {
  static constexpr const char* kSection = "train";
  std::optional<std::int64_t> steps;
  double epochs = 1;
  std::int64_t batch_size = 16;
  std::int64_t micro_tokens = 2048;
  std::int64_t seed = 42;
  std::optional<std::int64_t> eval_every;
  std::optional<std::int64_t> save_every;
  std::int64_t log_every = 1;
  std::int64_t keep = 3;
  std::string resume = "auto";
  std::string recompute = "none";
  double neftune_noise_alpha = 0;
  std::string offload = "none";
  std::string cuda_graph = "auto";

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("steps", steps, {.help = "optimizer steps; overrides epochs", .unit = "steps", .min = 1,
                           .may_change_on_resume = true});
    visit("epochs", epochs, {.help = "passes over the data", .min = 0});
    visit("batch_size", batch_size, {.help = "sequences per optimizer step over all ranks", .min = 1});
    visit("micro_tokens", micro_tokens, {.help = "tokens per rank and micro-batch", .unit = "tokens", .min = 1,
                                         .may_change_on_resume = true});
    visit("seed", seed, {.help = "seed of order, initial values and dropout", .min = 0});
    visit("eval_every", eval_every,
          {.help = "evaluate every N steps; auto: once an epoch",
           .unit = "steps",
           .min = 1,
           .may_change_on_resume = true});
    visit("save_every", save_every,
          {.help = "checkpoint every N steps; auto: once an epoch",
           .unit = "steps",
           .min = 1,
           .may_change_on_resume = true});
    visit("log_every", log_every,
          {.help = "a console line every N steps", .unit = "steps", .min = 1, .may_change_on_resume = true});
    visit("keep", keep,
          {.help = "checkpoints kept, besides the best", .min = 1, .may_change_on_resume = true});
    visit("resume", resume,
          {.help = "auto: newest good checkpoint in run.dir; none; or a checkpoint folder",
           .may_change_on_resume = true});
    visit("recompute", recompute,
          {.help = "block: keep block inputs only, run each block again in backward",
           .choices = {"none", "block"}});
    visit("neftune_noise_alpha", neftune_noise_alpha,
          {.help = "NEFTune: uniform noise of alpha / sqrt(length * width) on the embeddings in training",
           .min = 0});
    visit("offload", offload,
          {.help = "block_inputs: with recompute block, block inputs wait for backward in host memory",
           .choices = {"none", "block_inputs"}});
    visit("cuda_graph", cuda_graph,
          {.help = "auto: on a GPU, micro-batches of a shape seen before are replayed with one launch; false: never",
           .choices = {"auto", "false"},
           .may_change_on_resume = true});
  }
};

}  // namespace hone
