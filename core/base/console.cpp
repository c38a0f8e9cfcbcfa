#include "core/base/console.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>

namespace hone {
namespace {

constexpr const char* kEraseLine = "\r\033[K";

std::size_t width_of(int fd) {
  struct winsize size {};
  return ::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col - 1u : 79u;
}

}  // namespace

// A console that is gone (closed terminal, broken pipe) must not end a run: what cannot be written is
// dropped.
void Console::emit(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd_, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

void Console::line(std::string_view text) {
  const std::lock_guard lock(mutex_);
  std::string out = status_.empty() ? "" : kEraseLine;
  out.append(text).append("\n").append(status_);
  emit(out);
}

void Console::set_status(std::string_view text) {
  if (!terminal_) return;
  const std::lock_guard lock(mutex_);
  status_ = text.substr(0, width_of(fd_));
  emit(kEraseLine + status_);
}

void Console::clear_status() {
  const std::lock_guard lock(mutex_);
  if (status_.empty()) return;
  status_.clear();
  emit(kEraseLine);
}

}  // namespace hone
