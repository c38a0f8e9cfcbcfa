#include "core/base/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace hone {

namespace {
constexpr double kRedrawSeconds = 0.1;
}

Progress::Progress(Log& log, std::string label, std::int64_t total_steps, std::int64_t first_step,
                   std::int64_t every, Clock clock)
    : log_(log),
      label_(std::move(label)),
      total_(total_steps),
      first_(first_step),
      every_(std::max<std::int64_t>(1, every)),
      clock_(std::move(clock)),
      start_(clock_()),
      last_drawn_(start_ - kRedrawSeconds) {}

void Progress::update(const ProgressPoint& point) {
  tokens_ += point.tokens;
  const double now = clock_();
  const bool last = point.step >= total_;
  if (log_.terminal() && (last || now - last_drawn_ >= kRedrawSeconds)) {
    log_.set_status_line(line(point, now));
    last_drawn_ = now;
  }
  if (!last && point.step % every_ != 0) return;
  if (log_.terminal())
    log_.write_file_only(line(point, now));
  else
    log_.info("{}", line(point, now));
}

std::string Progress::line(const ProgressPoint& point, double now) const {
  const double elapsed = now - start_;
  const auto done = static_cast<double>(point.step - first_);
  std::string text = fmt::format("{} {}/{}", label_, point.step, total_);
  if (point.loss) text += fmt::format("  loss {:.4f}", *point.loss);
  if (point.lr) text += fmt::format("  lr {:.2e}", *point.lr);
  if (elapsed > 0 && tokens_ > 0) text += fmt::format("  {} tokens/s", format_count(tokens_ / elapsed));
  if (done > 0 && point.step < total_)
    text += "  ETA " + format_duration(elapsed / done * static_cast<double>(total_ - point.step));
  if (point.step >= total_) text += "  in " + format_duration(elapsed);
  return text;
}

std::string format_duration(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::llround(std::clamp(seconds, 0.0, 1e9)));
  const std::int64_t hours = whole / 3600, minutes = whole / 60 % 60, rest = whole % 60;
  return hours > 0 ? fmt::format("{}:{:02}:{:02}", hours, minutes, rest)
                   : fmt::format("{}:{:02}", minutes, rest);
}

std::string format_count(double value) {
  std::string digits = fmt::format("{:.0f}", value);
  const std::size_t first = digits.starts_with('-') ? 1 : 0;
  for (std::size_t at = digits.size(); at > first + 3;) digits.insert(at -= 3, 1, ',');
  return digits;
}

}  // namespace hone
