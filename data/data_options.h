#pragma once
// [data]: which rows, how they become token sequences, in which order.
#include "core/base/fields.h"

namespace hone {

struct DataOptions {
  static constexpr const char* kSection = "data";
  std::vector<std::string> train;
  std::vector<std::string> weights;
  std::string mixture_stop = "first_exhausted";
  std::vector<std::string> eval;
  std::string format = "auto";
  std::string chat_template = "auto";
  std::vector<std::string> new_tokens;
  std::int64_t max_length = 1024;
  std::string truncation_side = "right";
  bool chunk = false;
  std::int64_t chunk_overlap = 0;
  bool packing = true;
  bool shuffle = true;
  std::string train_on = "completion";

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("train", train, {.help = "training rows: JSON Lines files or prepared folders"});
    visit("weights", weights,
          {.help = "a number for each input of train: how often it is drawn from, in exact proportion and in "
                   "turns; empty: all rows are drawn once an epoch"});
    visit("mixture_stop", mixture_stop,
          {.help = "with weights, an epoch ends when the first input has been gone through, or all have, "
                   "smaller ones again and again",
           .choices = {"first_exhausted", "all_exhausted"}});
    visit("eval", eval, {.help = "held-out rows: JSON Lines files or prepared folders"});
    visit("format", format,
          {.help = "row format; auto: by the keys of the first row",
           .choices = {"auto", "messages", "prompt_completion", "alpaca", "qa", "text"}});
    visit("template", chat_template,
          {.help = "chat template; auto: the adapter's or the model's own",
           .choices = {"auto", "chatml", "smollm2", "zephyr", "llama3", "alpaca", "none"}});
    visit("new_tokens", new_tokens,
          {.help = "special tokens added to the tokenizer; the embedding and the head grow rows "
                   "for them, the mean of the old"});
    visit("max_length", max_length, {.help = "longer rows are cut", .unit = "tokens", .min = 2});
    visit("truncation_side", truncation_side,
          {.help = "the end that longer rows lose", .choices = {"right", "left"}});
    visit("chunk", chunk, {.help = "longer rows become several samples of max_length instead of being cut"});
    visit("chunk_overlap", chunk_overlap,
          {.help = "tokens a chunk repeats of the one before, as context that is not supervised again",
           .unit = "tokens",
           .min = 0});
    visit("packing", packing, {.help = "fill micro-batches by best fit; false: in the step's sample order"});
    visit("shuffle", shuffle,
          {.help = "order by a keyed bijection of (seed, epoch); false: the file's order"});
    visit("train_on", train_on,
          {.help = "completion: assistant turns only; all: every token", .choices = {"completion", "all"}});
  }
};

}  // namespace hone
