#pragma once
// Lines on a terminal or a pipe, and below them at most one status line that is redrawn in place.
#include <mutex>
#include <string>
#include <string_view>

namespace hone {

class Console {
 public:
  Console(int fd, bool terminal) : fd_(fd), terminal_(terminal) {}
  bool terminal() const { return terminal_; }
  void line(std::string_view text);        // the status line, if any, is drawn again below it
  void set_status(std::string_view text);  // nothing where this is no terminal; cut to its width
  void clear_status();

 private:
  void emit(std::string_view text);

  const int fd_;
  const bool terminal_;
  std::mutex mutex_;
  std::string status_;
};

}  // namespace hone
