#pragma once
// What a run says while it works. Passed by reference, one per rank, thread-safe. The console (standard
// error) belongs to rank 0; every rank has a file logs/rank-NNN.log once the run's folder is known.
#include <fmt/core.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace hone {

enum class LogLevel { debug, info, warning, error };

class Log {
 public:
  struct Settings {
    int rank = 0;
    LogLevel console_level = LogLevel::info;
    int console_fd = 2;
    std::optional<bool> terminal = {};  // not given: whether console_fd is one
  };

  explicit Log(const Settings& settings);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  void open_file(const std::string& run_dir);  // appends to run_dir/logs/rank-NNN.log

  void write(LogLevel level, std::string_view message);
  template <class... Args>
  void debug(fmt::format_string<Args...> format, Args&&... args) {
    write(LogLevel::debug, fmt::format(format, std::forward<Args>(args)...));
  }
  template <class... Args>
  void info(fmt::format_string<Args...> format, Args&&... args) {
    write(LogLevel::info, fmt::format(format, std::forward<Args>(args)...));
  }
  template <class... Args>
  void warning(fmt::format_string<Args...> format, Args&&... args) {
    write(LogLevel::warning, fmt::format(format, std::forward<Args>(args)...));
  }
  template <class... Args>
  void error(fmt::format_string<Args...> format, Args&&... args) {
    write(LogLevel::error, fmt::format(format, std::forward<Args>(args)...));
  }

  // A line that replaces the one before it: redrawn in place on a terminal, and nowhere else.
  void set_status_line(std::string_view line);
  void clear_status_line();
  bool terminal() const;  // rank 0 on a terminal
  void write_file_only(std::string_view message);

  // The one line of a failed run, as it is, from whichever rank prints it.
  void failure(std::string_view line);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace hone
