#include "core/formats/rope_scaling.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/formats/json_fields.h"
#include "core/formats/model_limits.h"

namespace hone::formats {
namespace {

constexpr double kMaxFactor = 1e6;

double need_number(const JsonFields& fields, const std::string& key, double min) {
  const auto value = fields.number(key, min, kMaxFactor);
  if (!value) fields.refuse("002", "key missing", key, "this kind of RoPE scaling needs it");
  return *value;
}

// The kind by either of its two spellings; transformers 4 began with "type".
std::string kind_of(const JsonFields& rope) {
  const auto kind = rope.string("rope_type");
  return kind ? *kind : rope.string("type").value_or("default");
}

double llama3_divisor(const RopeScaling& scaling, double turns) {
  if (turns < scaling.low_freq_factor) return scaling.factor;
  if (turns > scaling.high_freq_factor) return 1;
  const double unscaled =
      (turns - scaling.low_freq_factor) / (scaling.high_freq_factor - scaling.low_freq_factor);
  return 1 / ((1 - unscaled) / scaling.factor + unscaled);
}

}  // namespace

std::vector<double> rope_divisors(const RopeScaling& scaling, std::int64_t head_dim, double theta) {
  if (scaling.kind == RopeScaling::Kind::none) return {};
  std::vector<double> divisors(static_cast<std::size_t>(head_dim / 2), scaling.factor);
  if (scaling.kind == RopeScaling::Kind::linear) return divisors;
  for (std::size_t i = 0; i < divisors.size(); ++i) {
    const double frequency = std::pow(theta, -2.0 * static_cast<double>(i) / static_cast<double>(head_dim));
    const double turns = static_cast<double>(scaling.original_positions) * frequency / (2 * std::numbers::pi);
    divisors[i] = llama3_divisor(scaling, turns);
  }
  return divisors;
}

RopeScaling read_rope_scaling(const JsonFields& rope) {
  RopeScaling scaling;
  const std::string kind = kind_of(rope);
  if (kind == "default") return scaling;
  if (kind != "linear" && kind != "llama3")
    rope.refuse("005", "RoPE scaling is not supported", "rope_type", kind, "known: default, linear, llama3");
  scaling.kind = kind == "linear" ? RopeScaling::Kind::linear : RopeScaling::Kind::llama3;
  scaling.factor = need_number(rope, "factor", 1);
  if (scaling.kind == RopeScaling::Kind::linear) return scaling;
  scaling.low_freq_factor = need_number(rope, "low_freq_factor", 0);
  scaling.high_freq_factor = need_number(rope, "high_freq_factor", 0);
  if (scaling.high_freq_factor <= scaling.low_freq_factor)
    rope.refuse("003", "value out of range", "high_freq_factor", "it is not above low_freq_factor");
  scaling.original_positions = rope.need_integer("original_max_position_embeddings", 1, kMaxPositions);
  return scaling;
}

OrderedJson rope_scaling_json(const RopeScaling& scaling) {
  if (scaling.kind == RopeScaling::Kind::none) return nullptr;
  if (scaling.kind == RopeScaling::Kind::linear) return {{"rope_type", "linear"}, {"factor", scaling.factor}};
  return {{"rope_type", "llama3"},
          {"factor", scaling.factor},
          {"low_freq_factor", scaling.low_freq_factor},
          {"high_freq_factor", scaling.high_freq_factor},
          {"original_max_position_embeddings", scaling.original_positions}};
}

std::optional<RopeScaling> llama3_scaling_of(std::span<const float> divisors, double theta) {
  constexpr double kRounding = 1e-4;  // of divisors that were computed and stored in fp32
  RopeScaling scaling;
  scaling.kind = RopeScaling::Kind::llama3;
  scaling.factor = *std::max_element(divisors.begin(), divisors.end());
  const std::vector<double> expected =
      rope_divisors(scaling, static_cast<std::int64_t>(2 * divisors.size()), theta);
  const bool same = std::equal(divisors.begin(), divisors.end(), expected.begin(),
                               [&](double a, double b) { return std::abs(a - b) <= kRounding * b; });
  return same ? std::optional(scaling) : std::nullopt;
}

}  // namespace hone::formats
