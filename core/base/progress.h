#pragma once
// How far a run is, for a person: one line redrawn in place on a terminal, a plain line every `every` steps
// elsewhere (and in the log file).
#include <cstdint>
#include <optional>
#include <string>

#include "core/base/clock.h"
#include "core/base/log.h"

namespace hone {

struct ProgressPoint {
  std::int64_t step = 0;  // done
  double tokens = 0;      // in this step, over all ranks
  std::optional<double> loss = {}, lr = {};
};

class Progress {
 public:
  // `first_step` is the number of steps done before (a resumed run): they count as done, not as fast.
  Progress(Log& log, std::string label, std::int64_t total_steps, std::int64_t first_step, std::int64_t every,
           Clock clock = steady_clock());
  ~Progress() { log_.clear_status_line(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  void update(const ProgressPoint& point);

 private:
  std::string line(const ProgressPoint& point, double now) const;

  Log& log_;
  const std::string label_;
  const std::int64_t total_, first_, every_;
  const Clock clock_;
  const double start_;
  double last_drawn_;
  double tokens_ = 0;
};

std::string format_duration(double seconds);  // 3:07, 1:02:03
std::string format_count(double value);       // 1,234,567

}  // namespace hone
