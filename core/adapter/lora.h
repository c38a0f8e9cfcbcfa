#pragma once
// LoRA (Hu et al. 2021) as PEFT does it: y += s B A drop(x), s = alpha / r (alpha / sqrt(r) with rsLoRA); A starts
// uniform in +-1/sqrt(in) (Kaiming with a = sqrt 5), B at zero.
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/adapter/adapter_options.h"
#include "core/formats/peft.h"

namespace hone::adapter {

struct LoraSettings {
  std::int64_t rank = 16;
  double alpha = 32;
  double dropout = 0;
  bool rslora = false;
  std::vector<std::string> targets;               // {"all-linear"}, or names as PEFT matches them
  std::vector<std::string> modules_to_save = {};  // trained whole; ends of names, as PEFT matches them
  formats::TokenRows token_rows = {};             // trained beside it: of the embedding, of a head of its own
  double scale() const;
};

LoraSettings lora_settings(const AdapterOptions& options);

// Does this linear get an adapter? A name matches in full or as the part after a dot; "all-linear" takes every
// linear but the output embedding.
bool is_target(const LoraSettings& settings, std::string_view module);

// Start values of A [r, in], keyed by (seed, module, element): the same on every rank.
void init_lora_a(std::uint64_t seed, std::string_view module, std::int64_t in_features, std::span<float> a);

}  // namespace hone::adapter
