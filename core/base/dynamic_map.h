#pragma once
// bitsandbytes' dynamic 8-bit numbers (Dettmers et al. 2022), to the last bit: 256 values, ascending, in [-1,
// 1] or [0, 1], dense near zero.
#include <array>

namespace hone {

using DynamicMap = std::array<float, 256>;
const DynamicMap& signed_dynamic_map();
const DynamicMap& unsigned_dynamic_map();

}  // namespace hone
