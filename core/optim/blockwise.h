#pragma once
// Numbers in 8 bits as bitsandbytes stores them: in blocks, each number the code of a value of a dynamic map
// (core/base/dynamic_map.h), each block with its largest magnitude.
#include <cstdint>

#include "core/base/dynamic_map.h"

namespace hone::optim {

inline constexpr std::int64_t kBlock = 256;

// Up to kBlock numbers. codes[i] is the value nearest to x[i] / absmax, the lower of two as near; returns
// absmax.
float quantize_block(const DynamicMap& map, const float* x, std::uint8_t* codes, std::int64_t count);
void dequantize_block(const DynamicMap& map, const std::uint8_t* codes, float absmax, float* x,
                      std::int64_t count);

}  // namespace hone::optim
