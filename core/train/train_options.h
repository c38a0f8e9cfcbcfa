#pragma once
// [train]: how long, in which portions, and when to look and to save.
#include <optional>

#include "core/base/fields.h"

namespace hone {

struct TrainOptions {
  static constexpr const char* kSection = "train";
  std::optional<std::int64_t> steps;
  double epochs = 1;
  std::string max_time;
  bool async_save = true;
  std::int64_t batch_size = 16;
  std::int64_t batch_tokens = 0;
  std::optional<std::int64_t> micro_tokens = 2048;
  std::int64_t seed = 42;
  std::string eval_every = "1e";
  bool eval_on_start = false;
  std::string metric = "loss";
  std::string greater_is_better = "auto";
  std::int64_t early_stopping_patience = 0;
  double early_stopping_threshold = 0;
  bool load_best = false;
  std::string save_every = "1e";
  std::int64_t log_every = 1;
  std::int64_t keep = 3;
  std::string resume = "auto";
  std::string init_from;
  bool init_optimizer = false;
  std::string recompute = "none";
  double neftune_noise_alpha = 0;
  std::string offload = "none";
  std::string cuda_graph = "auto";
  std::int64_t folds = 0;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("steps", steps,
          {.help = "optimizer steps; overrides epochs",
           .unit = "steps",
           .min = 1,
           .may_change_on_resume = true});
    visit("epochs", epochs, {.help = "passes over the data", .min = 0, .max = 1e6});
    visit("max_time", max_time,
          {.help = "save and end with 75 before this time is over: 3h30m, 03:30:00 or seconds; "
                   "empty: no limit",
           .may_change_on_resume = true});
    visit("async_save", async_save,
          {.help = "write checkpoints beside the steps that follow; false: all wait for the disk",
           .may_change_on_resume = true});
    visit("batch_size", batch_size, {.help = "sequences per optimizer step over all ranks", .min = 1});
    visit("batch_tokens", batch_tokens,
          {.help = "tokens per optimizer step over all ranks: as many sequences as fit, "
                   "at least one; overrides batch_size; 0: off",
           .unit = "tokens",
           .min = 0});
    visit("micro_tokens", micro_tokens,
          {.help = "tokens per rank and micro-batch; auto: what free memory holds",
           .unit = "tokens",
           .min = 1,
           .may_change_on_resume = true});
    visit("seed", seed, {.help = "seed of order, initial values and dropout", .min = 0});
    visit("eval_every", eval_every,
          {.help = "evaluate every so many steps (200) or epochs (1e, 0.5e)", .may_change_on_resume = true});
    visit("eval_on_start", eval_on_start,
          {.help = "evaluate before the first step too", .may_change_on_resume = true});
    visit("metric", metric,
          {.help = "which number of the evaluations says what is best",
           .choices = {"loss", "perplexity", "mean_token_accuracy"}});
    visit("greater_is_better", greater_is_better,
          {.help = "of metric; auto: not of losses and perplexity", .choices = {"auto", "true", "false"}});
    visit("early_stopping_patience", early_stopping_patience,
          {.help = "end after so many evaluations without a gain; 0: never",
           .min = 0,
           .may_change_on_resume = true});
    visit("early_stopping_threshold", early_stopping_threshold,
          {.help = "what a gain must exceed to count", .min = 0, .may_change_on_resume = true});
    visit("load_best", load_best,
          {.help = "export the weights of the best evaluation, not the last ones",
           .may_change_on_resume = true});
    visit(
        "save_every", save_every,
        {.help = "checkpoint every so many steps (200) or epochs (1e, 0.5e)", .may_change_on_resume = true});
    visit("log_every", log_every,
          {.help = "a console line every N steps", .unit = "steps", .min = 1, .may_change_on_resume = true});
    visit("keep", keep,
          {.help = "checkpoints kept, besides the best", .min = 1, .may_change_on_resume = true});
    visit("resume", resume,
          {.help = "auto: newest good checkpoint in run.dir; none; or a checkpoint folder",
           .may_change_on_resume = true});
    visit("init_from", init_from,
          {.help = "a checkpoint folder whose weights a new run starts from, at step 0 with a "
                   "schedule of its own"});
    visit("init_optimizer", init_optimizer, {.help = "init_from: take over the optimizer's state too"});
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
          {.help = "auto: on a GPU, micro-batches of a shape seen before are replayed with one launch; "
                   "false: never",
           .choices = {"auto", "false"},
           .may_change_on_resume = true});
    visit("folds", folds,
          {.help = "k-fold cross-validation: so many runs on data.train, each held against the part it "
                   "did not see; 0: off",
           .min = 0,
           .max = 1000});
  }
};

}  // namespace hone
