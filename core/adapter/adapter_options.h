#pragma once
// [adapter]: the LoRA adapter that is trained.
#include "core/base/fields.h"

namespace hone {

struct AdapterOptions {
  static constexpr const char* kSection = "adapter";
  std::string type = "none";
  std::int64_t rank = 16;
  double alpha = 32;
  double dropout = 0;
  std::vector<std::string> targets = {"all-linear"};
  bool rslora = false;
  std::vector<std::string> modules_to_save;
  std::vector<std::string> trainable_token_indices;
  std::string init;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("type", type,
          {.help = "none trains every weight, lora a low-rank adapter", .choices = {"none", "lora"}});
    visit("rank", rank, {.help = "rank r of the adapter", .min = 1, .max = 65536});
    visit("alpha", alpha, {.help = "scale numerator: alpha / r", .min = 0});
    visit("dropout", dropout, {.help = "dropout on the adapter's input", .min = 0, .max = 0.999});
    visit("targets", targets, {.help = "all-linear, or the names of the linears that get an adapter"});
    visit("rslora", rslora, {.help = "scale by alpha / sqrt(r)"});
    visit(
        "modules_to_save", modules_to_save,
        {.help = "modules trained whole beside the adapter and saved with it: embed_tokens, lm_head, norms"});
    visit("trainable_token_indices", trainable_token_indices,
          {.help = "token ids whose rows of the embedding, and of a head tied to it, are trained beside the "
                   "adapter and "
                   "saved with it; new: all of data.new_tokens; lm_head:ID: of a head of its own"});
    visit("init", init, {.help = "PEFT folder with the start values of the adapter being trained"});
  }
};

}  // namespace hone
