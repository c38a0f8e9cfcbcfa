#pragma once
// One sequence ready to train on, whole (truncation happens on reading).
#include <cstdint>
#include <vector>

namespace hone::data {

struct Sample {
  std::vector<std::int32_t> ids;
  std::vector<std::uint8_t> supervised;  // per id, unshifted
  std::int64_t row = 0;                  // number of the input row over all input files
};

}  // namespace hone::data
