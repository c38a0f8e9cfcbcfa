#pragma once
// The names that users of TRL, transformers, PEFT, Axolotl and LLaMA-Factory know, and what each is called
// here.
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hone::launcher {

struct ForeignName {
  std::string_view name;
  std::vector<std::string_view> keys;  // ours; empty: there is nothing to set
  std::string_view how;                // how a value carries over; empty: as it is
};

std::span<const ForeignName> foreign_names();

// What to tell someone who wrote `name` (a last dotted part counts; case and '-' for '_' do not): "lora_r is
// adapter.rank here", or empty where the name is none of these.
std::string foreign_name_hint(std::string_view name);

}  // namespace hone::launcher
