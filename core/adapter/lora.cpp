#include "core/adapter/lora.h"

#include <xxhash.h>

#include <algorithm>
#include <cmath>

#include "core/adapter/token_rows.h"
#include "core/base/philox.h"

namespace hone::adapter {

double LoraSettings::scale() const {
  return rslora ? alpha / std::sqrt(static_cast<double>(rank)) : alpha / static_cast<double>(rank);
}

LoraSettings lora_settings(const AdapterOptions& options) {
  return {options.rank,
          options.alpha,
          options.dropout,
          options.rslora,
          options.targets,
          options.modules_to_save,
          token_rows(options.trainable_token_indices)};
}

bool is_target(const LoraSettings& settings, std::string_view module) {
  if (settings.targets == std::vector<std::string>{"all-linear"}) return module != "lm_head";
  return std::any_of(settings.targets.begin(), settings.targets.end(), [&](const std::string& target) {
    if (module == target) return true;
    return module.size() > target.size() && module.ends_with(target) &&
           module[module.size() - target.size() - 1] == '.';
  });
}

void init_lora_a(std::uint64_t seed, std::string_view module, std::int64_t in_features, std::span<float> a) {
  const std::uint64_t name = XXH3_64bits(module.data(), module.size());
  const float bound = 1.0f / std::sqrt(static_cast<float>(in_features));
  for (std::size_t i = 0; i < a.size(); i += 4) {
    const PhiloxCounter words =
        philox({static_cast<std::uint32_t>(name), static_cast<std::uint32_t>(name >> 32),
                static_cast<std::uint32_t>(i / 4), 0x6c6f7261u},
               philox_key(seed));
    for (std::size_t j = i; j < std::min(i + 4, a.size()); ++j)
      a[j] = (2.0f * unit_float(words[j - i]) - 1.0f) * bound;
  }
}

}  // namespace hone::adapter
