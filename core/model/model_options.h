#pragma once
// [model]: which model, in which precision, where.
#include "core/base/fields.h"

namespace hone {

struct ModelOptions {
  static constexpr const char* kSection = "model";
  std::string path;
  std::string init = "weights";
  std::vector<std::string> adapters;
  std::string dtype = "auto";
  std::string master_dtype = "fp32";
  std::string quantize = "none";
  bool double_quant = true;
  std::string device = "auto";

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("path", path, {.help = "model: a Hugging Face folder or a GGUF file"});
    visit("init", init,
          {.help = "random: train from scratch; model.path needs no weights, only config.json and tokenizer",
           .choices = {"weights", "random"}});
    visit("adapters", adapters,
          {.help = "PEFT folders applied in order, frozen, not folded into the weights"});
    visit("dtype", dtype,
          {.help = "compute type; auto: bf16 on GPUs, on CPUs the faster of fp32 and bf16 as probed",
           .choices = {"auto", "bf16", "fp16", "fp32"}});
    visit("master_dtype", master_dtype,
          {.help = "what trained weights are kept in; bf16: no fp32 copy, updates are rounded stochastically",
           .choices = {"fp32", "bf16"}});
    visit("quantize", quantize, {.help = "how frozen block weights are held", .choices = {"none", "nf4"}});
    visit("double_quant", double_quant, {.help = "nf4: quantise the block scales too, as QLoRA does"});
    visit("device", device,
          {.help = "where to compute; auto: on a GPU where one is and the run has one rank",
           .choices = {"auto", "cpu", "cuda"},
           .may_change_on_resume = true});
  }
};

}  // namespace hone
