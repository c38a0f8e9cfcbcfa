#include "core/optim/trained_weights.h"

#include <bit>

#include "core/base/philox.h"
#include "core/nn/cpu_math.h"

namespace hone::optim {
namespace {

// 16 random bits for each of eight neighbouring elements come from one draw.
constexpr std::int64_t kDrawElements = 8;

PhiloxKey step_key(std::uint64_t seed, std::int64_t step) {
  const auto t = static_cast<std::uint64_t>(step);
  const PhiloxCounter mixed = philox(
      {static_cast<std::uint32_t>(t), static_cast<std::uint32_t>(t >> 32), 0, 0x726e6400u}, philox_key(seed));
  return {mixed[0], mixed[1]};
}

// Adds 16 random bits below what bf16 keeps, then cuts: a carry has the probability of the remainder.
std::uint16_t round_with(float value, std::uint32_t random) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const bool finite = (bits & 0x7F800000u) != 0x7F800000u;
  const std::uint32_t quiet = value != value ? 0x00400000u : 0u;  // a NaN whose payload is cut stays one
  return static_cast<std::uint16_t>((finite ? bits + (random & 0xFFFFu) : bits | quiet) >> 16);
}

}  // namespace

void round_stochastically(const float* values, std::uint16_t* bf16, Range elements, std::uint64_t seed,
                          std::int64_t step) {
  const PhiloxKey key = step_key(seed, step);
  for (std::int64_t element = elements.begin; element < elements.end;) {
    const auto draw = static_cast<std::uint64_t>(element / kDrawElements);
    const PhiloxCounter words =
        philox({static_cast<std::uint32_t>(draw), static_cast<std::uint32_t>(draw >> 32), 0, 0}, key);
    const std::int64_t end = std::min(elements.end, (element / kDrawElements + 1) * kDrawElements);
    for (; element < end; ++element) {
      const std::int64_t lane = element % kDrawElements, i = element - elements.begin;
      bf16[i] = round_with(values[i], words[static_cast<std::size_t>(lane / 2)] >> (16 * (lane % 2)));
    }
  }
}

void widen(const std::uint16_t* bf16, float* values, std::int64_t count) {
  nn::load_row(reinterpret_cast<const c10::BFloat16*>(bf16), values, count);
}

}  // namespace hone::optim
