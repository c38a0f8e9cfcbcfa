#pragma once
// Ranges that every model's architecture must keep, whichever file states it. Internal to core/formats.
#include <cstdint>

namespace hone::formats {

constexpr std::int64_t kMaxHidden = 65'536, kMaxIntermediate = 1'048'576, kMaxLayers = 1'024,
                       kMaxHeads = 1'024;
constexpr std::int64_t kMaxHeadDim = 1'024, kMaxVocab = 1'048'576, kMaxPositions = 1 << 24;
constexpr double kMinEps = 1e-12, kMaxEps = 0.1, kMinTheta = 1.0, kMaxTheta = 1e12;
constexpr std::int64_t kMaxTokenId = INT32_MAX;

}  // namespace hone::formats
