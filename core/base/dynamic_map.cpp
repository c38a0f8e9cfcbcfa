#include "core/base/dynamic_map.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace hone {
namespace {

// The middles of `count` equal intervals of [0.1, 1], times `factor`. The edges are torch's fp32 linspace on
// a CPU that multiplies and adds in one rounding: from the start for the lower half, from the end above.
void append_decade(std::vector<float>& values, int count, float factor, bool with_negatives) {
  const float step = (1.0f - 0.1f) / static_cast<float>(count);
  const auto edge = [&](int i) {
    return i <= count / 2 ? std::fma(step, static_cast<float>(i), 0.1f)
                          : std::fma(-step, static_cast<float>(count - i), 1.0f);
  };
  for (int i = 0; i < count; ++i) {
    const float middle = (edge(i) + edge(i + 1)) / 2.0f * factor;
    values.push_back(middle);
    if (with_negatives) values.push_back(-middle);
  }
}

// Seven decades below one, each with twice the values of the one under it; zero and one.
DynamicMap make_map(bool is_signed) {
  std::vector<float> values{0.0f, 1.0f};
  for (int decade = 0; decade < 7; ++decade)
    append_decade(values, (is_signed ? 1 : 2) << decade, static_cast<float>(std::pow(10.0, decade - 6)),
                  is_signed);
  std::sort(values.begin(), values.end());
  DynamicMap map{};
  std::copy(values.begin(), values.end(), map.begin());
  return map;
}

}  // namespace

const DynamicMap& signed_dynamic_map() {
  static const DynamicMap map = make_map(true);
  return map;
}

const DynamicMap& unsigned_dynamic_map() {
  static const DynamicMap map = make_map(false);
  return map;
}

}  // namespace hone
