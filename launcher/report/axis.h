#pragma once
// An axis: which values its ends stand for, where its ticks are and what they say. Ticks are at 1, 2 or 5
// times a power of ten; on a log axis at powers of ten where more would crowd.
#include <string>
#include <vector>

#include "launcher/report/points.h"

namespace hone::report {

struct Tick {
  double value = 0;
  std::string label;
};

class Axis {
 public:
  // About `count` ticks. With `to_ticks` the ends move outwards to ticks, else they are the range's own.
  static Axis linear(Range range, int count, bool to_ticks);
  // The range must be above 0.
  static Axis logarithmic(Range range);

  double position(double value) const;  // 0 at the low end, 1 at the high end
  Range range() const { return range_; }
  bool is_logarithmic() const { return logarithmic_; }
  const std::vector<Tick>& ticks() const { return ticks_; }
  const std::string& factor() const {
    return factor_;
  }  // "×10⁻⁴" that every label is to be multiplied with, or empty

 private:
  Axis(Range range, bool logarithmic) : range_(range), logarithmic_(logarithmic) {}
  void label_linear(double step);

  Range range_;
  bool logarithmic_;
  std::vector<Tick> ticks_;
  std::string factor_;
};

}  // namespace hone::report
