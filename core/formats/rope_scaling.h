#pragma once
// Rotary positions stretched beyond those a model began with: frequency i of a head, theta^(-2i/head_dim), is
// divided by divisor i.
//   linear  every one by `factor` (Chen et al. 2023)
//   llama3  as Llama 3.1: a frequency that turns fewer than low_freq_factor times within original_positions
//   by `factor`,
//           one that turns more than high_freq_factor times by 1, between them the frequencies blend linearly
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/base/json.h"

namespace hone::formats {

class JsonFields;

struct RopeScaling {
  enum class Kind { none, linear, llama3 };
  Kind kind = Kind::none;
  double factor = 1;
  double low_freq_factor = 1, high_freq_factor = 4;  // llama3
  std::int64_t original_positions = 8192;            // llama3
};

// head_dim / 2 of them; empty where nothing is scaled.
std::vector<double> rope_divisors(const RopeScaling& scaling, std::int64_t head_dim, double theta);

// An object "rope_scaling" or "rope_parameters" of a config.json. Kinds other than those above: CF005.
RopeScaling read_rope_scaling(const JsonFields& rope);
OrderedJson rope_scaling_json(const RopeScaling& scaling);  // null where nothing is scaled

// GGUF keeps llama3's divisors, not what they were made from: the parameters that Llama 3.1 and its
// successors use are tried. None: the divisors are not of that kind.
std::optional<RopeScaling> llama3_scaling_of(std::span<const float> divisors, double theta);

}  // namespace hone::formats
